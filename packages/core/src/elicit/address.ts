/** Whether a host, as the URL parser writes it, is of the public internet. By its text alone: no name is looked up. */

/** `name`, or a number of either kind. */
export type HostKind = "name" | "ipv4" | "ipv6";

const ipv4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const localNames = /^(?:localhost|.+\.localhost|.+\.local|.+\.internal|.+\.home\.arpa|[^.]+)$/;

/** @param hostname `URL.hostname`: every form of a number is one form there, `0x7f.1` is `127.0.0.1` */
export function hostKind(hostname: string): HostKind {
  if (hostname.startsWith("[")) return "ipv6";
  return ipv4.test(hostname) ? "ipv4" : "name";
}

/** True for this machine, for private networks, and for all else that the registries of IANA keep from the public. */
export function isLocalHost(hostname: string): boolean {
  switch (hostKind(hostname)) {
    case "name":
      return localNames.test(hostname.replace(/\.$/, ""));
    case "ipv4":
      return isLocalNumber(hostname.split(".").map(Number));
    case "ipv6": {
      const groups = groupsOf(hostname.slice(1, -1));
      const [first = 0] = groups;
      const high = groups.slice(0, 6);
      // Those of IPv4 inside of IPv6 (`::ffff:7f00:1`, `64:ff9b::7f00:1`) are what they hold; `::` and `::1` are this host.
      const mapped = high.slice(0, 5).every((group) => group === 0) && (high[5] === 0xffff || high[5] === 0);
      const translated = first === 0x64 && high[1] === 0xff9b;
      if (mapped || translated) {
        return isLocalNumber(groups.slice(6).flatMap((group) => [group >> 8, group & 255]));
      }
      return (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80 || first >= 0xff00;
    }
  }
}

function isLocalNumber([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 0 && c === 0) ||
    (a === 192 && b === 168) ||
    (a === 198 && (b === 18 || b === 19))
  );
}

/** The eight groups of an address in the parser's own form. */
function groupsOf(text: string): number[] {
  const [left = "", right] = text.split("::");
  const read = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const [before, after] = [read(left), read(right ?? "")];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
