import { expect, test } from "vitest";
import { warningsOf } from "./warnings.ts";

const page = (url: string) => warningsOf({ mode: "url", message: "Open it.", url });

test.each([
  "http://localhost/",
  "http://LOCALHOST./",
  "http://desk.local/",
  "http://intranet/",
  "http://127.0.0.1/",
  "http://0x7f.1/",
  "http://2130706433/",
  "http://10.1.2.3/",
  "http://172.31.0.1/",
  "http://192.168.0.1/",
  "http://169.254.169.254/latest",
  "http://100.64.0.1/",
  "http://0.0.0.0/",
  "http://[::1]/",
  "http://[::]/",
  "http://[fd00::1]/",
  "http://[fe80::1]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[64:ff9b::10.0.0.1]/",
])("%s is of this machine or of a network around it", (url) => {
  expect(page(url)).toContain("local-address");
});

test.each([
  ["https://login.example.com/", []],
  ["https://8.8.8.8/", ["address-by-number"]],
  ["https://[2606:4700::1111]/", ["address-by-number"]],
  ["https://172.32.0.1/", ["address-by-number"]],
  ["http://example.com/", ["not-encrypted"]],
  ["https://ex\u0430mple.com/", ["look-alike-host"]],
])("of %s a person is told %j", (url, warnings) => {
  expect(page(url)).toEqual(warnings);
});

test.each([
  ["password", true],
  ["apiKey", true],
  ["client_secret", true],
  ["accessToken", true],
  ["pin", true],
  ["spinning", false],
  ["account", false],
])("a field %s asks for a secret: %s", (name, asks) => {
  const schema = { type: "object", properties: { [name]: { type: "string" } } } as const;
  expect(warningsOf({ mode: "form", message: "Tell me.", schema })).toEqual(asks ? ["asks-for-secret"] : []);
});
