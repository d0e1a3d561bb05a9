import { expect, test } from "vitest";
import { isPublicAddress } from "../src/public-address.ts";

test.each([
  ["this host", "0.0.0.0"],
  ["this network", "0.1.2.3"],
  ["private", "10.255.0.1"],
  ["carrier's NAT", "100.64.0.1"],
  ["loopback", "127.0.0.1"],
  ["all of loopback", "127.255.255.254"],
  ["a cloud's metadata", "169.254.169.254"],
  ["private", "172.16.0.1"],
  ["private, the last", "172.31.255.255"],
  ["protocol assignments", "192.0.0.8"],
  ["documentation", "192.0.2.1"],
  ["6to4 relays", "192.88.99.1"],
  ["private", "192.168.1.1"],
  ["benchmarks", "198.19.255.255"],
  ["documentation", "198.51.100.1"],
  ["documentation", "203.0.113.9"],
  ["multicast", "224.0.0.1"],
  ["reserved", "240.0.0.1"],
  ["broadcast", "255.255.255.255"],
  ["unspecified", "::"],
  ["loopback", "::1"],
  ["mapped loopback", "::ffff:127.0.0.1"],
  ["mapped metadata", "::ffff:a9fe:a9fe"],
  ["mapped, though public", "::ffff:8.8.8.8"],
  ["compatible loopback", "::127.0.0.1"],
  ["translated metadata", "64:ff9b::a9fe:a9fe"],
  ["unique local", "fd00:ec2::254"],
  ["link-local", "fe80::1"],
  ["link-local with a zone", "fe80::1%eth0"],
  ["public with a zone", "2a00:1450::1%1"],
  ["site-local", "fec0::1"],
  ["multicast", "ff02::1"],
  ["Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
  ["documentation", "2001:db8::1"],
  ["documentation", "3fff::1"],
  ["6to4 of loopback", "2002:7f00:1::"],
  ["no address", "example.com"],
  ["nothing", ""],
])("%s is not public: %s", (_, address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "223.255.255.255", "2a00:1450:4001::200e"])(
  "%s is public",
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);
