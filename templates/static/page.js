// What the pages do besides, where scripts run; without them everything works by sending forms.
"use strict";
(() => {
  let main = document.getElementById("main");
  let announced = document.getElementById("announced");
  // In a sandbox without an origin of its own nothing can be fetched from here: forms are sent as without scripts.
  const fetches = window.origin !== "null";
  let latest = 0;
  let format = null;

  const announce = (text) => {
    announced.textContent = "";
    requestAnimationFrame(() => { announced.textContent = text; });
  };

  // What a form is answered with; null for nothing, or where something else has been asked for or answered since.
  // No form is sent as a page of its own where that can be helped: browsers write what it held to the disk.
  async function fetchPiece(form, button) {
    const turn = ++latest;
    const fields = new URLSearchParams(new FormData(form));
    if (button && button.name) fields.append(button.name, button.value);
    try {
      const answer = await fetch(form.dataset.fragment, {
        method: "POST",
        body: fields,
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error", // to a portal's page for signing in, say, which is no answer
      });
      const text = await answer.text();
      if (turn !== latest) return null;
      const page = new DOMParser().parseFromString(text, "text/html");
      // A launch that is over has a page that says so.
      if (answer.status === 401 || "whole" in form.dataset) return { whole: page };
      if (answer.status !== 200 && answer.status !== 422) throw new Error(String(answer.status));
      return { refused: answer.status === 422, content: page.getElementById("main") || page.body };
    } catch {
      if (turn === latest) failed(form);
      return null;
    }
  }

  function tell(container) {
    const named = [...container.querySelectorAll("[data-title]")].pop();
    if (named) document.title = named.dataset.title;
    const said = [...container.querySelectorAll("[data-said]")].pop();
    announce(said ? said.dataset.said : "");
    const chosen = format && document.getElementById(format);
    if (chosen) chosen.checked = true;
    enliven(container);
  }

  function put(piece) {
    const { whole } = piece;
    // Browsers refuse it in a portal’s frame, with an error; the focus is set below.
    for (const one of (whole || piece.content).querySelectorAll("[autofocus]")) one.removeAttribute("autofocus");
    if (whole) {
      document.body.replaceChildren(...whole.body.childNodes);
      document.title = whole.title;
      main = document.getElementById("main");
      announced = document.getElementById("announced");
    } else {
      main.replaceChildren(...piece.content.childNodes);
    }
    tell(main);
    const target = main.querySelector(".saved") || [...main.querySelectorAll("[data-focus]")].pop() || (whole && main);
    if (target) target.focus();
  }

  // A result never stands beside answers that it was not computed from. Where an answer divides patients who are not
  // alike, the next result waits for the button: flicked between, the two would look like the effect of a treatment.
  function takeAway(words, waits) {
    const article = main.querySelector("article.result");
    if (!article) return false;
    const notice = document.createElement("p");
    notice.className = waits ? "notice stale waits" : "notice stale";
    notice.textContent = words;
    article.replaceWith(notice);
    announce(words);
    return true;
  }

  // What was typed stays; so does a result, where only its comparison failed.
  function failed(form) {
    const words = form.dataset.failed || main.dataset.failed;
    if (form.matches("form.patient")) takeAway(words);
    let notice = (form.closest("main") || form).querySelector(".stale, .failed");
    if (!notice) {
      notice = document.createElement("p");
      notice.className = "notice failed";
      form.prepend(notice);
    }
    notice.textContent = words;
    announce(words);
  }

  // While somebody goes on answering, the result follows; what is incomplete waits for the button.
  async function follow(form) {
    const piece = await fetchPiece(form);
    if (piece && piece.whole) failed(form);
    if (!piece || piece.whole || piece.refused) return;
    const stale = main.querySelector(".stale");
    const article = piece.content.querySelector("article.result");
    if (!stale || !article) return;
    stale.replaceWith(article);
    tell(main);
  }

  async function send(form, button) {
    const piece = await fetchPiece(form, button);
    if (piece) put(piece);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!fetches || !form.dataset.fragment) return;
    event.preventDefault();
    send(form, event.submitter);
  });

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form && form.matches("form.patient")) {
      latest++;
      const divides = event.target.closest("[data-deliberate]");
      const stale = main.querySelector(".stale");
      if (!divides) takeAway(form.dataset.stale, false);
      else if (!takeAway(divides.dataset.deliberate, true) && stale) {
        stale.classList.add("waits");
        stale.textContent = divides.dataset.deliberate;
        announce(divides.dataset.deliberate);
      }
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.name === "format") format = event.target.id; // the reader's choice outlasts the result
    const form = event.target.form;
    if (fetches && form && form.matches("form.patient") && main.querySelector(".stale:not(.waits)")) follow(form);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-print], [data-clear]");
    if (!button) return;
    if ("clear" in button.dataset) {
      event.preventDefault();
      location.replace(button.href);
    } else if ("print" in button.dataset) {
      print();
    } else {
      const note = document.getElementById(button.dataset.copy);
      let copied = true;
      try {
        await navigator.clipboard.writeText(note.value);
      } catch {
        note.select();
        copied = document.execCommand("copy");
      }
      const words = copied ? button.dataset.copied : button.dataset.notCopied;
      button.parentElement.querySelector(".done").textContent = words;
      announce(words);
    }
  });

  // Paper shows what is closed on the screen, but for a comparison or figures for a patient that nobody asked for.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...main.querySelectorAll("details:not([open], .comparison, .numbers *)")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });

  // Going back or forward never shows a patient again.
  addEventListener("pagehide", (event) => {
    if (!event.persisted) return;
    for (const one of [...document.querySelectorAll(".banner"), main]) one.replaceChildren();
    announced.textContent = "";
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.replace(document.querySelector(".name a").href);
  });

  function enliven(container) {
    for (const button of container.querySelectorAll("[data-copy], [data-print]")) button.hidden = false;
  }
  enliven(main);

  // Whether an origin is one that the policy lets show this page: "https://*.example.org" is every name under it.
  function listed(origin, portal) {
    if (portal === "'self'") return origin === location.origin;
    try {
      const asked = new URL(origin), allowed = new URL(portal.replace("//*.", "//"));
      const named = portal.includes("//*.")
        ? asked.hostname.endsWith(`.${allowed.hostname}`)
        : asked.hostname === allowed.hostname;
      return named && asked.protocol === allowed.protocol && asked.port === allowed.port;
    } catch {
      return false;
    }
  }

  // A portal may make the frame as high as the page: it is told the height and nothing else, by its exact origin. Where
  // the browser names no origin, it is that of the only portal on the list, since no other may show this page.
  function tellHeight() {
    const portals = (document.body.dataset.portals || "").split(" ").filter(Boolean);
    const only = portals.length === 1 && portals[0].includes("//") && !portals[0].includes("*") ? portals[0] : "";
    const known = location.ancestorOrigins ? [location.ancestorOrigins[0]] : [document.referrer, only];
    const named = known.find((address) => portals.some((portal) => listed(address, portal)));
    if (!named) return;
    const root = document.documentElement;
    let told = 0;
    new ResizeObserver(() => {
      const height = Math.ceil(root.getBoundingClientRect().height); // of the content: scrollHeight never shrinks
      if (height === told) return;
      told = height;
      parent.postMessage({ type: "rps-prognosis:height", height }, new URL(named).origin);
    }).observe(root);
  }
  if (window !== parent) tellHeight();
})();
