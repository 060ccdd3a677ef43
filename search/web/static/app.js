// Keys and live progress. Every page works without it.
"use strict";
(() => {
  const $ = (s, e = document) => e.querySelector(s), $$ = (s, e = document) => [...e.querySelectorAll(s)];
  const say = (text) => {
    const t = document.createElement("p");
    t.className = "toast"; t.role = "status"; t.textContent = text;
    document.body.append(t); setTimeout(() => t.remove(), 2200);
  };
  const copy = async (text, what) => {
    await navigator.clipboard.writeText(text);
    say(what + " copied");
  };
  for (const b of $$("[data-copy], [data-print], [data-cite]")) b.hidden = false;
  addEventListener("click", (e) => {
    const b = e.target.closest("[data-copy], [data-print], [data-cite], [data-keyboard]");
    if (!b) { for (const d of $$(".seal[open]")) if (!d.contains(e.target)) d.open = false; return; }
    if (b.dataset.copy) copy($(b.dataset.copy).value, "Text");
    else if ("cite" in b.dataset) copy(b.dataset.cite, "Citation");
    else if ("print" in b.dataset) print();
    else if ($("dialog") || e.ctrlKey || e.metaKey) return;
    else { e.preventDefault(); list(b.href); }
  });
  addEventListener("submit", (e) => {
    const f = e.target;
    if (f.dataset.busy) {
      $("[data-status]", f).textContent = f.dataset.busy + " …";
      // after it was sent with its value
      setTimeout(() => $$("button", f).forEach((b) => (b.disabled = true)));
    }
  });
  addEventListener("pageshow", (e) => { if (e.persisted) $$("form[data-busy] button").forEach((b) => (b.disabled = false)); });
  for (const c of $$("#cover")) c.oninput = () => ($("#own").textContent = c.value);
  for (const d of $$("details.narrow")) if (innerWidth > 960) d.open = true;
  for (const f of $$("form.ask")) f.addEventListener("change", (e) => { if (e.target.type === "checkbox") f.requestSubmit(); });

  const list = async (href = "/keyboard") => {
    const page = new DOMParser().parseFromString(await (await fetch(href)).text(), "text/html");
    const d = document.createElement("dialog"), h = document.createElement("h2"), b = document.createElement("button");
    d.setAttribute("aria-labelledby", "keys-h"); h.id = "keys-h"; h.textContent = "Keyboard";
    b.textContent = "Close"; b.className = "plain tiny"; b.onclick = () => d.close();
    d.append(h, $("#keys", page), b); d.onclose = () => d.remove();
    document.body.append(d); d.showModal();
  };

  let at = -1, g = false;
  const items = () => $$(".say, [data-item]");
  const here = () => items()[at];
  const go = (n) => {
    const all = items(); if (!all.length) return;
    here()?.classList.remove("at-hand");
    at = Math.max(0, Math.min(all.length - 1, n));
    const x = all[at]; x.classList.add("at-hand"); x.tabIndex = -1; x.focus({ preventScroll: 1 });
    x.scrollIntoView({ block: "center" });
  };
  const letter = () => here()?.closest("article");
  const keys = {
    "/": () => ($("#find") || $("#q"))?.focus(), j: () => go(at + 1), k: () => go(at - 1),
    o: () => letter()?.querySelector("a[data-open], .from a, h3 a")?.click(),
    v: () => { const d = letter()?.querySelector(".seal"); if (d) { d.open = !d.open; $("summary", d).focus(); } },
    e: () => $("[data-export]")?.click(), "?": () => list(),
    c: () => { const b = here()?.querySelector("[data-cite]") || letter()?.querySelector("[data-cite]"); if (b) b.click(); else if (here()) copy($(".q", here()).innerText + "\n" + location.href.split("#")[0] + "#" + here().id, "Citation"); },
    x: () => here()?.querySelector("input[type=checkbox]")?.click(),
  };
  if (document.body.dataset.keys !== "off") addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    if (e.key === "Escape") { for (const d of $$(".seal[open]")) d.open = false; if (e.target.matches("input, textarea")) e.target.blur(); return; }
    if (e.target.matches("input, textarea, select, [contenteditable]") || $("dialog[open]")) return;
    if (g) { g = false; const to = { m: "/", a: "/ask", b: "/mailboxes" }[e.key]; if (to) { e.preventDefault(); location.href = to; } return; }
    if (e.key === "g") { g = true; setTimeout(() => (g = false), 1500); return; }
    if (e.key === "Enter" && e.target === here()) { e.preventDefault(); return keys.o(); }
    if (/^[1-9]$/.test(e.key)) { const n = items().findIndex((x) => x.id === "s" + e.key); if (n >= 0) { e.preventDefault(); go(n); } return; }
    if (Object.hasOwn(keys, e.key)) { e.preventDefault(); keys[e.key](); }
  });

  if ($("[data-signin]")) setInterval(async () => (await (await fetch("")).text()).includes("data-signin") || location.reload(), 2000);

  // What the daemon does, or that it is gone.
  if ("live" in document.body.dataset && window.EventSource) {
    const es = new EventSource("/events"); let spoke = 0, last = new Date(), gone;
    es.onopen = () => { last = new Date(); if (gone) location.reload(); };
    es.onerror = () => {
      if (gone) return;
      gone = document.createElement("div"); gone.className = "offline"; gone.role = "status";
      gone.innerHTML = '<div class=wrap></div>';
      gone.firstChild.textContent = "inwriting cannot be reached since " + last.toLocaleTimeString([], { timeStyle: "short" }) + ". This page stays readable.";
      $("main").before(gone);
    };
    addEventListener("pagehide", () => es.close());
    es.addEventListener("progress", (e) => {
      last = new Date(); const p = JSON.parse(e.data), box = $$("[data-mailbox]").find((x) => x.dataset.mailbox === p.label);
      if (!box || !p.total) return;
      const bar = $("progress", box); if (bar) bar.value = (100 * p.done) / p.total;
      $("[data-state]", box).textContent = "Reading" + (p.tail ? " “" + p.tail + "”" : "") + ", newest first";
      $("[data-count]", box).textContent = p.done.toLocaleString("en") + " of " + p.total.toLocaleString("en");
      if (Date.now() - spoke > 10000) { spoke = Date.now(); $("#live").textContent = p.label + ": " + p.done + " of " + p.total; }
    });
    es.addEventListener("mailbox", (e) => {
      last = new Date(); const m = JSON.parse(e.data), box = $$("[data-mailbox]").find((x) => x.dataset.mailbox === m.address);
      if (box && (m.new || m.error || $(".how.act", box))) setTimeout(() => location.pathname === "/mailboxes" && location.reload(), 800);
      else if (box) $("[data-state]", box).textContent = "Up to date, just now";
      const kept = box && $("[data-kept]", box); if (kept && m.new) kept.textContent = (parseInt(kept.textContent.replace(/\D/g, "")) + m.new).toLocaleString("en");
    });
  }
})();
