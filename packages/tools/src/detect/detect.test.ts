import { detection } from "@remit/core";
import { describe, expect, test } from "vitest";
import { allDetectors, personalData, secretRules } from "./index.ts";
import { fromRe2 } from "./rules-file.ts";

const found = (text: string, detectors = personalData()) =>
  detection(detectors)
    .find(text)
    .map((find) => [find.class, text.slice(find.start, find.end)]);

describe("what is found, as a whole", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["email", "write to ada+news@mail.example.co.uk, please", "ada+news@mail.example.co.uk"],
    ["email", "(o'neil@example.org)", "o'neil@example.org"],
    ["email", "müller@bücher.example", "müller@bücher.example"],
    ["email", "ada [at] example [dot] org", "ada [at] example [dot] org"],
    ["card", "pay with 4111 1111 1111 1111 now", "4111 1111 1111 1111"],
    ["card", "5500-0000-0000-0004", "5500-0000-0000-0004"],
    ["card", "amex 3782 822463 10005.", "3782 822463 10005"],
    ["card", "my card is 1234567890123456", "1234567890123456"],
    ["card", "4111 1111 1111 1112", "4111 1111 1111 1112"],
    ["card", "378282246310005", "378282246310005"],
    ["iban", "to DE89 3704 0044 0532 0130 00 by Friday", "DE89 3704 0044 0532 0130 00"],
    ["iban", "gb29nwbk60161331926819", "gb29nwbk60161331926819"],
    ["iban", "GB82-WEST-1234-5698-7654-32", "GB82-WEST-1234-5698-7654-32"],
    ["iban", "FR1420041010050500013M02607", "FR1420041010050500013M02607"],
    ["card", "4111\u202f1111\u202f1111\u202f1111", "4111\u202f1111\u202f1111\u202f1111"],
    ["card", "3782 - 822463 - 10005", "3782 - 822463 - 10005"],
    ["card", "カード：４１１１ １１１１ １１１１ １１１１", "４１１１ １１１１ １１１１ １１１１"],
    [
      "iban",
      "de FR14\u00a02004\u00a01010\u00a00505\u00a00001\u00a03M02\u00a0606.",
      "FR14\u00a02004\u00a01010\u00a00505\u00a00001\u00a03M02\u00a0606",
    ],
    ["iban", "DE89.3704.0044.0532.0130.00", "DE89.3704.0044.0532.0130.00"],
    ["iban", "DE89 3704 0044\n0532 0130 00", "DE89 3704 0044\n0532 0130 00"],
    ["us-ssn", "SSN: 078-05-1120", "078-05-1120"],
    ["us-ssn", "my social is 078051120", "078051120"],
    ["us-ssn", "078 05 1120", "078 05 1120"],
    ["us-ssn", "078–05–1120", "078–05–1120"],
    ["ip", "from 203.0.113.7:8080", "203.0.113.7"],
    ["ip", "host 2001:db8::8a2e:370:7334 is up", "2001:db8::8a2e:370:7334"],
    ["ip", "::ffff:192.0.2.128", "::ffff:192.0.2.128"],
    ["ip", "fe80::1.", "fe80::1"],
    ["ip", "ip:2001:db8::8a2e:370:7334", "2001:db8::8a2e:370:7334"],
    ["email", "अजय@डाटा.भारत", "अजय@डाटा.भारत"],
    ["email", "ada＠example．com", "ada＠example．com"],
    ["email", '"ada l"@example.org', '"ada l"@example.org'],
    ["phone", "at 0151-23456789 please", "0151-23456789"],
    ["phone", "Tel.-0151 23456789", "0151 23456789"],
    ["phone", "-0151 23456789", "0151 23456789"],
    ["phone", "reach me --(415) 555-2671", "(415) 555-2671"],
    ["phone", "هاتف +٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧"],
    ["phone", "+1 (415) 555-2671", "+1 (415) 555-2671"],
    ["phone", "call 555-0199 today", "555-0199"],
    ["phone", "(02) 9876 5432", "(02) 9876 5432"],
    ["phone", "0049 30 901820", "0049 30 901820"],
    ["phone", "415.555.2671x123", "415.555.2671x123"],
    ["phone", "06-12345678", "06-12345678"],
    ["phone", "+49(0)30-901820", "+49(0)30-901820"],
    ["phone", "my number is 4155552671", "4155552671"],
    ["national-id", "NINO AB 12 34 56 C", "AB 12 34 56 C"],
    ["national-id", "AHV 756.9217.0769.85", "756.9217.0769.85"],
    ["national-id", "CPF 529.982.247-25", "529.982.247-25"],
    ["national-id", "DNI 12345678Z", "12345678Z"],
    ["national-id", "CPF: 52998224725", "52998224725"],
    ["national-id", "85.07.30-033.28", "85.07.30-033.28"],
    ["national-id", "PESEL: 44051401359", "44051401359"],
    ["national-id", "131052-308T", "131052-308T"],
    ["national-id", "811218-9876", "811218-9876"],
    ["national-id", "CPR-nr: 070761-4285", "070761-4285"],
    ["national-id", "fødselsnummer 010190 12345", "010190 12345"],
    ["national-id", "65 170839 J 008", "65 170839 J 008"],
    ["national-id", "T.C. Kimlik No: 10000000146", "10000000146"],
    ["national-id", "ID number 8001015009087", "8001015009087"],
    ["national-id", "my Aadhaar is 2345 6789 0124", "2345 6789 0124"],
    ["national-id", "PAN card: ABCPE1234F", "ABCPE1234F"],
    ["national-id", "SIN: 046-454-286", "046-454-286"],
    ["national-id", "NHS number 943 476 5919", "943 476 5919"],
    ["national-id", "1EG4-TE5-MK73", "1EG4-TE5-MK73"],
    ["national-id", "주민등록번호 900101-1234568", "900101-1234568"],
    ["national-id", "身份证 11010519491231002X", "11010519491231002X"],
    ["national-id", "S1234567D", "S1234567D"],
    ["national-id", "GARC850101HDFRRL09", "GARC850101HDFRRL09"],
    ["national-id", "12.345.678-5", "12.345.678-5"],
    ["national-id", "CUIT 20-12345678-6", "20-12345678-6"],
    ["national-id", "Passport C01X00T47", "C01X00T47"],
  ];
  const beside: readonly (readonly [string, string, string])[] = [
    ["card", "7,4111111111111111,12/27", "4111111111111111"],
    ["card", "4111111111111111 12/27 123", "4111111111111111 12/27 123"],
    ["card", "12/27 4111 1111 1111 1111", "4111 1111 1111 1111"],
    ["card", "4111\t1111\t1111\t1111", "4111\t1111\t1111\t1111"],
    ["card", "_4111_1111_1111_1111_", "4111_1111_1111_1111"],
    ["card", "%B4111111111111111^DOE/JOHN^2712", "4111111111111111"],
    ["card", "4111\u200b1111\u200b1111\u200b1111", "4111\u200b1111\u200b1111\u200b1111"],
    ["iban", "_DE89370400440532013000_", "DE89370400440532013000"],
    ["iban", "IBANDE89370400440532013000", "DE89370400440532013000"],
    ["us-ssn", "_078-05-1120_", "078-05-1120"],
    ["us-ssn", "ssn_078-05-1120", "078-05-1120"],
    ["ip", "_203.0.113.7_", "203.0.113.7"],
    ["email", "ada\\@example.org", "ada\\@example.org"],
    ["email", "ada&#64;example.org", "ada&#64;example.org"],
    ["email", "ada@a.b.c.d.e.f.example.org", "ada@a.b.c.d.e.f.example.org"],
    ["phone", "_+1 415 555 2671_", "+1 415 555 2671"],
    ["phone", "phone_number: 4155552671", "4155552671"],
    ["phone", "mobilePhone=4155552671", "4155552671"],
    ["phone", "+49 (0) 170 / 123 45 67", "+49 (0) 170 / 123 45 67"],
    ["phone", "Telefonnummer: 030901820", "030901820"],
    ["phone", "手机：13800138000", "13800138000"],
    ["phone", "тел. 84951234567", "84951234567"],
    ["phone", "10:30 0151 2345678", "0151 2345678"],
    ["phone", "612 345 678", "612 345 678"],
    ["phone", "79 456 123", "79 456 123"],
    ["phone", "https://wa.me/14155552671", "14155552671"],
    ["phone", "手机13800138000", "13800138000"],
    ["phone", "to=%2B14155552671&x=1", "14155552671"],
    ["phone", "1042,415-555-2671,x", "415-555-2671"],
    ["card", "卡号是4111111111111111。", "4111111111111111"],
    ["iban", "账号是DE89370400440532013000。", "DE89370400440532013000"],
    ["us-ssn", "번호는078-05-1120", "078-05-1120"],
    ["ip", "は203.0.113.7です", "203.0.113.7"],
    ["national-id", "СНИЛС 112-233-445 95", "112-233-445 95"],
    ["national-id", "HKID A123456(3)", "A123456(3)"],
    ["national-id", "784-1984-1234567-1", "784-1984-1234567-1"],
    ["national-id", "RFC: GARC850101AB1", "GARC850101AB1"],
    ["national-id", "OIB 69435151530", "69435151530"],
    ["national-id", "ΑΦΜ 094259216", "094259216"],
    ["national-id", "PPSN 1234567TW", "1234567TW"],
    ["national-id", "マイナンバー 123456789018", "123456789018"],
    ["national-id", "nationalId=AB-1234567", "AB-1234567"],
    ["national-id", "passport no. 533380006", "533380006"],
    ["national-id", "Reisepass-Nr. C01X00T47", "C01X00T47"],
    ["national-id", "passeport 12AB34567", "12AB34567"],
    ["national-id", "NINO AB-12-34-56-C", "AB-12-34-56-C"],
  ];
  test.each([...cases, ...beside])("%s in %j", (kind, text, value) => {
    expect(found(text)).toEqual([[kind, value]]);
  });
  test.each([
    ["4111111111111111,5500000000000004", "card"],
    ["DE89370400440532013000\nDE02120300000000202051", "iban"],
    ["DE89 3704 0044 0532 0130 00 or NL91 ABNA 0417 1643 00", "iban"],
    ["4155552671, 4155552672", "phone"],
    ["415-555-2671 415-555-2672", "phone"],
    ["4111 1111 1111 1111 5500 0000 0000 0004", "card"],
  ])("each of a list, %j, is one", (text, kind) => {
    expect(found(text).map(([one]) => one)).toEqual([kind, kind]);
  });
});

test.each([
  "order 6200867091 was shipped on 2024-05-11",
  "from 2019-2021, at 12:30:45, for 1 500 000 or 12,500.50",
  "version 1.2.3.4 of build 20240511123000",
  "started at 1732801067000 and took 12 ms",
  "12345-6789",
  "#W1234567",
  "items 1, 2, 3 and 4",
  "the password is required",
  "the password is case-sensitive",
  "password: process.env.PASS",
  "invoice no 2024000012345 is open",
  "tracking no 1234567890123",
  "a credit of 1200000000000 won",
  "on 11.05.2026 10:30",
  "20260511-103045",
  "lat 48.137154, lon 11.576124",
  "from 10.30-11.30",
  "Chrome/120.0.6099.109",
  "fe::ed, std::vector::push",
  "PO-2024-000123 and INV-2024-00987, CVE-2024-12345, SN-1234-5678-9012",
  "order #112-3487654-9912345",
  "product_id 9523456873",
  '{"orderNumber": "9523456873"}',
  "order number is 4155552671",
  "Windows 10.0.19045.3930",
  "coordinates 52.5200 13.4050",
  '{"total":"12345.67","net":"1234567.89"}',
  "12345.67",
  "12 345.67 EUR",
  "12 345 678,90 and 1042,1234567,12",
  "1 234 567 views, 12.345.678 rows and EUR 123 456 789",
  "11.05.24 10:30",
  "12.05.-14.05.2024, 12/05/24-14/05/24, 01/2024-06/2024",
  "2024-05-11 12:00 2024-05-12",
  "kernel 5.15.0-105-generic, 10.0.0-1234567",
  "order no 1234-5678-9012-3456",
  "ISSN 2049-3630",
  "1000-2000 or 1500 - 2500 units",
  "51-250 or 251-1000 people",
  '{"cause":"certificate","runbookId":"RB-110"}',
  '{"text":"{\\"cause\\":\\"certificate\\",\\"runbookId\\":\\"RB-110\\"}"}',
  "renew certificate: incidentId INC-1010",
  "ACC-1041+ACC-1042=same_vat,same_name",
  "in 2024 2025 2026",
  "contract 2024/05/1234567",
  "Mozilla/5.0 (X11) Chrome/120.0.0.0 Safari/537.36",
  "0.0.0.0:8080, 127.0.0.1 and 255.255.255.0",
  "section 4.1.2.3",
  "logo@2x.png",
  "git@github.com:acme/x.git",
  "license number required by 2024-05-11",
  '{"id":"550e8400-e29b-41d4-a716-446655440000"}',
  "clientVersion: 2024.5.11-beta and apiVersion: apps/v1beta1",
  "author: Johannes-Brahms-1833",
  "compass: north-east, bypass=enabled2024",
  "idempotency key: order-7-refund-1",
  "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 runId=V1StGXR8Z5jdHi6BmyTabc",
  '{"model":"claude-3-5-sonnet-20241022","invoice":"in_1MtHbELkdIwHu7ixl4OzzPMv"}',
  "const orderMachine = createOrderStatusMachineV2",
  'integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"',
  '{"password":"must be at least 8 characters"}',
  "label app=prometheus-k8s-db-0-pod",
  "status=in_progress_2024_review",
  "see https://www.example.org/a-long-path-of-words/and-more",
])("nothing is found in %j", (text) => {
  expect(found(text, allDetectors())).toEqual([]);
});

describe("secrets", () => {
  const made = (start: string, length: number) => start + "aB3dE5gH7jK9mN2pQ4rS6tU8vW1xY0z".repeat(4).slice(0, length);
  const cases = [
    `AKIA${"Q3EXAMP7LE5XYZ2W"}`,
    made("ghp_", 36),
    made("glpat-", 20),
    made("npm_", 36),
    made("sk-ant-api03-", 90),
    `eyJhbGciOiJIUzI1NiJ9.${made("eyJ", 40)}.${made("", 43)}`,
    `eyJhbGciOiJkaXIifQ..${made("", 16)}.${made("", 60)}.${made("", 22)}`,
    // What begins without a sign between is a token all the same.
    ...["IQoJb3JpZ2lu", "FwoGZXIvYXdz", "AQoDYXdz", "ABSK", "AKCp", "AKID", "AQVN", "cmVmdGtu"].map((start) =>
      made(start, 60),
    ),
    ...["sb_secret_", "bkua_", "dp.st.prd.", "nfp_", "wandb_v1_", "rzp_live_", "tvly-dev-", "LTAI", "1//0"].map(
      (start) => made(start, 40),
    ),
    made("re_aB3dE5gH_", 24),
    made("abc8Q~", 34),
    `pat${made("", 14)}.${"9f86d081884c7d65".repeat(4)}`,
    `${"9f86d081".repeat(4)}-us12`,
    `https://discord.com/api/webhooks/123456789012345678/${made("", 68)}`,
    made("$2b$12$", 53),
    `$6$${made("", 16)}$${made("", 86)}`,
    `access_token$production$${"9f86d081".repeat(2)}$${"9f86d081".repeat(4)}`,
  ];
  test.each(cases)("%s in a sentence", (secret) => {
    expect(found(`use ${secret} for it`, allDetectors())).toEqual([["secret", secret]]);
  });
  test.each(cases.slice(0, 5))("%s as Markdown marks it", (secret) => {
    const shown = found(`use _${secret}_ for it`, allDetectors());
    expect(shown.map(([kind, part]) => [kind, part?.replace(/_$/, "")])).toEqual([["secret", secret]]);
  });
  test.each([
    [`api_key = "${made("", 32)}"`, made("", 32)],
    ["the password is hunter2!x", "hunter2!x"],
    ["postgres://app:s3cr3t-pw@db.example/app", "s3cr3t-pw"],
    ["redis://:s3cr3t!@cache:6379/0", "s3cr3t!"],
    ["la contraseña es hunter2!x", "hunter2!x"],
    ["пароль: hunter2!x", "hunter2!x"],
    ["パスワード：hunter2!x", "hunter2!x"],
    ["wachtwoord: hunter2!x", "hunter2!x"],
    ["--password hunter2!x", "hunter2!x"],
    ["set the password to hunter2!x", "hunter2!x"],
    ["<password>hunter2!x</password>", "hunter2!x"],
    ["curl -u admin:hunter2!x https://x.example", "hunter2!x"],
    ['{\\"password\\":\\"hunter2xx\\"}', "hunter2xx"],
    [`{\\"api_key\\":\\"${made("", 32)}\\"}`, made("", 32)],
    ['password: "correct horse battery"', "correct horse battery"],
    ["Server=db;User Id=sa;Password=P@ss w0rd!;", "P@ss w0rd"],
    [`Set-Cookie: sid=s%3A${made("", 32)}; Path=/`, made("", 32)],
    ["Authorization: Bearer 9f86d081884c7d659a2feaa0", "9f86d081884c7d659a2feaa0"],
  ])("in %j", (text, value) => {
    expect(found(text, allDetectors()).some(([, part]) => part?.includes(value))).toBe(true);
  });
  test("a password in an address is a secret, and no address: who may have the one may not have the other", () => {
    for (const text of ["https://admin:pa55w0rd!@db.example.com/x", "amqp://app:p@ss-w0rd@db.example.com"]) {
      expect(found(text, allDetectors()).map(([kind]) => kind)).toEqual(["secret"]);
    }
  });
  test("rules from a file are looked for, and those that JavaScript cannot say are named", () => {
    const { loaded, skipped, detector } = secretRules(`
      [[rules]]
      id = "acme"
      regex = '''(?i)acme_(?P<key>[0-9a-f]{8})\\z'''
      keywords = ["acme_"]
      [[rules]]
      id = "odd"
      regex = '''a(?<!b)(?'x'c)'''
    `);
    expect(loaded.map(({ id }) => id)).toEqual(["acme"]);
    expect(skipped).toMatchObject([{ id: "odd" }]);
    expect(detector.detect("key ACME_0a1b2c3d")).toEqual([{ class: "secret", start: 9, end: 17, confidence: 0.9 }]);
  });
});

describe("an expression of RE2 means here what it means there", () => {
  test.each([
    ["[[:xdigit:]]{8}", "key 0a1b2c3d", "0a1b2c3d"],
    ["[[:upper:][:digit:]_]{8}", "my KEY_1234", "KEY_1234"],
    ["[^[:space:]]{5}", "a bcdef", "bcdef"],
    ["[\\w[:punct:]]{3}", " a-!", "a-!"],
    ["[]a]{2}", "b]a", "]a"],
    ["[a[]{2}", "ba[", "a["],
    ["\\pL{2}\\-\\d", "éa-1", "éa-1"],
    ["\\p{Greek}{3}", "xαβγ", "αβγ"],
    ["\\Qa.b\\E\\d", "axb1 a.b1", "a.b1"],
    ["\\x{1F600}", "x😀", "😀"],
    ["\\x{41}", "xA", "A"],
    ["a\\\\z", "a\\z", "a\\z"],
    ["(?m)^k\\z", "k\nk", "k"],
    ["k(?P<v>\\d)", "k1", "k1"],
  ])("%s", (source, text, value) => {
    expect(text.match(fromRe2(source))).toEqual([value]);
  });
  test.each(["a\\Cb", "[[:^alpha:]]", "[[:odd:]]", "(?U)a+"])("%s is refused", (source) => {
    expect(() => fromRe2(source)).toThrow(SyntaxError);
  });
});

test("no text takes a detector long: repeated beginnings of everything", () => {
  const look = detection(allDetectors());
  for (const part of ["1 ", "a@", "a.", "(1)", "key=", "AB12 ", "1:", "-----BEGIN PRIVATE KEY", "x:y@"]) {
    look.find(part.repeat(8_000));
  }
});
