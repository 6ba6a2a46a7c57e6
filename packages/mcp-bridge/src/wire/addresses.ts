import { BlockList, isIPv6 } from "node:net";

/** Which addresses lie where only we can reach. */

/** `link-local` is where machines keep what nobody may ask for, such as the metadata of a cloud. */
export type AddressKind = "public" | "private" | "link-local";

/** The kind of a literal address, version 4 or 6. An address that holds another one is of the other one's kind. */
export function addressKind(address: string): AddressKind {
  const plain = address.replace(/%.*$/, "").replace(/^\[|\]$/g, "");
  const inner = embedded(plain);
  if (inner !== undefined) return addressKind(inner);
  const family = isIPv6(plain) ? "ipv6" : "ipv4";
  if (linkLocal().check(plain, family)) return "link-local";
  return reserved().check(plain, family) ? "private" : "public";
}

/** What is known of a server from the addresses at which it was reached. */
export interface Whereabouts {
  readonly reached: (address: string) => void;
  /** It was reached, and never at an address that anybody could reach. */
  readonly isPrivate: () => boolean;
}

/** Who was public once stays it: else a name of theirs, turned to an address of ours, would open all others of ours. */
export function whereabouts(): Whereabouts {
  let last: string | undefined;
  let isPrivate: boolean | undefined;
  return {
    reached: (address) => {
      if (address === last) return;
      last = address;
      isPrivate = isPrivate !== false && addressKind(address) !== "public";
    },
    isPrivate: () => isPrivate === true,
  };
}

/** The address of version 4 inside of one of version 6: mapped, translated (NAT64) or 6to4. */
function embedded(address: string): string | undefined {
  if (!isIPv6(address)) return undefined;
  const url = URL.parse(`http://[${address}]`);
  const groups = url && groupsOf(url.hostname.slice(1, -1));
  if (!groups) return undefined;
  const dotted = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join(".");
  const zeroTo = (end: number) => groups.slice(0, end).every((group) => group === 0);
  if (zeroTo(5) && groups[5] === 0xffff) return dotted(groups[6]!, groups[7]!);
  // Only this prefix says where; whatever stands behind 64:ff9b:1:: is for whoever uses that (RFC 8215).
  if (groups[0] === 0x64 && groups[1] === 0xff9b && groups.slice(2, 6).every((group) => group === 0))
    return dotted(groups[6]!, groups[7]!);
  if (groups[0] === 0x2002) return dotted(groups[1]!, groups[2]!);
  return undefined;
}

function groupsOf(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const numbers = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const before = numbers(head);
  const after = numbers(tail ?? "");
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function linkLocal(): BlockList {
  const list = new BlockList();
  list.addSubnet("169.254.0.0", 16, "ipv4");
  list.addSubnet("fe80::", 10, "ipv6");
  return list;
}

function reserved(): BlockList {
  const list = new BlockList();
  const four = [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["224.0.0.0", 4],
    ["240.0.0.0", 4],
  ] as const;
  const six = [
    ["::", 127],
    ["fc00::", 7],
    ["fec0::", 10],
    ["ff00::", 8],
    ["64:ff9b:1::", 48],
  ] as const;
  for (const [network, bits] of four) list.addSubnet(network, bits, "ipv4");
  for (const [network, bits] of six) list.addSubnet(network, bits, "ipv6");
  return list;
}
