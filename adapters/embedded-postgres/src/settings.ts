/**
 * For a laptop or a small server: 2 cores, little memory at rest, nothing traded for durability
 * (fsync and synchronous_commit stay on). Idle, the server and its guard hold 20 MB (sum of Pss in
 * /proc/PID/smaps_rollup, Linux x64).
 */
export const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  fsync: "on",
  synchronous_commit: "on",
  // A process of services takes up to 26; a split topology has several of them.
  max_connections: "300",
  // What recovery does first: one call for the file system in 60 ms, where a call for each file took 150 to 1,600.
  recovery_init_sync_method: process.platform === "linux" ? "syncfs" : "fsync",
  // Taken as it is used, not at start.
  shared_buffers: "128MB",
  huge_pages: "off",
  // Three I/O workers less; they help large scans from a cold disk only.
  io_method: "sync",
  max_logical_replication_workers: "0",
  max_worker_processes: "4",
  max_parallel_workers_per_gather: "1",
  // Compiling pays for reports of seconds, and costs 30 ms where the planner guesses wrong.
  jit: "off",
  // Every disk that this runs on seeks for free.
  random_page_cost: "1.1",
  unix_socket_permissions: "0700",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] %q%u@%d ",
  log_checkpoints: "off",
};
