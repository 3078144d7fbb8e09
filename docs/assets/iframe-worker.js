"use strict";
// The search of this site runs in a worker. A page that is opened from a folder may not start one: there, the script of the
// worker runs in a hidden frame. Messages that arrive before the script is loaded wait for it.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    #waiting = [];
    #frame = document.createElement("iframe");

    constructor(address) {
      super();
      const script = new URL(address, document.baseURI).href;
      this.#frame.hidden = true;
      this.#frame.srcdoc = "<!DOCTYPE html><title>Search</title>";
      this.#frame.addEventListener("load", () => this.#begin(script), { once: true });
      document.body.append(this.#frame);
    }

    #begin(address) {
      const inside = this.#frame.contentWindow;
      inside.postMessage = (data) => setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data })));
      inside.importScripts = async (...addresses) => {
        for (const one of addresses) await this.#load(one);
      };
      this.#load(address).then(() => {
        for (const data of this.#waiting.splice(0)) this.#send(data);
        this.#waiting = null;
      });
    }

    #load(address) {
      const page = this.#frame.contentDocument;
      const script = Object.assign(page.createElement("script"), { src: address });
      return new Promise((done, failed) => {
        script.addEventListener("load", done);
        script.addEventListener("error", () => failed(new Error(`${address} cannot be loaded`)));
        page.head.append(script);
      });
    }

    #send(data) {
      const inside = this.#frame.contentWindow;
      setTimeout(() => inside.dispatchEvent(new inside.MessageEvent("message", { data })));
    }

    postMessage(data) {
      if (this.#waiting) this.#waiting.push(data);
      else this.#send(data);
    }

    terminate() {
      this.#frame.remove();
    }
  };
}
