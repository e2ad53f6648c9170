import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeElement, fakePage } from "./fake_page.mjs";
import { FakeStorage } from "./shared.mjs";

fakePage();
globalThis.localStorage = new FakeStorage();
const { element, saidIn, setText } = await import("../../../service/pages/dom.js");
const { rememberedCar } = await import("../car.js");
const { device } = await import("../device.js");

test("a text that the browser has translated is set again only when it changes", () => {
  const html = Object.assign(new FakeElement("p"), { textContent: "Livre" });
  for (const part of [html, element("p", { text: "Livre" })]) {
    setText(part, "Livre");
    part.textContent = "Free";
    setText(part, "Livre");
    assert.deepEqual([part.textContent, saidIn(part)], ["Free", "Livre"]);
    setText(part, "Indisponível");
    assert.equal(part.textContent, "Indisponível");
  }
});

test("a remembered car of another version keeps what is known of it", () => {
  device.save("postos.carro", { placa: "ABC1D23", modelo: "Dolphin", capacidade_bateria: 44 });
  assert.deepEqual(rememberedCar(), { placa: "ABC1D23", modelo: "Dolphin", capacidade_bateria: "", taxa_descarga: "" });
  device.save("postos.carro", { modelo: "Dolphin" });
  assert.equal(rememberedCar(), null);
});
