export { type FakeClock, fakeClock } from "./fake-clock.ts";
export {
  answers,
  asks,
  calls,
  callsAll,
  functionModel,
  refuses,
  type ScriptedModel,
  says,
  scriptedModel,
  type Turn,
} from "./scripted-model.ts";
