/** The oldest major version of PostgreSQL that has all that is used. */
const oldest = 15;

/** What is said of a server that is too old, by its `server_version_num`; undefined where it is not. */
export function tooOld(versionNumber: number): string | undefined {
  // From 10 on: the major version, then four digits of the minor one.
  const version = Math.floor(versionNumber / 10_000);
  return version < oldest ? `it is PostgreSQL ${version}, and ${oldest} or newer is needed` : undefined;
}
