(root, data) => {
  // The pictures were drawn in Python; this takes each out of its <img> and only moves what is there.
  const SVG = "http://www.w3.org/2000/svg";
  const images = [...root.parentNode.querySelectorAll(":scope > .wslab-fallback img")];
  const words = data.words, RIGHT = 20, LEAST = 3, SLOT = 0.45;
  // JupyterLab looks for this on the very element that has the focus: its one-letter keys stay quiet there.
  const quiet = (element) => (element.setAttribute("data-lm-suppress-shortcuts", "true"), element);
  // Films that are compared share the scale, the stretch of time and the controls.
  const view = { order: false, time: null };

  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const draw = (name, kind, parent) => {
    const element = document.createElementNS(SVG, name);
    element.setAttribute("class", kind);
    parent.append(element);
    return element;
  };
  const put = (element, attributes) => {
    for (const name in attributes) element.setAttribute(name, attributes[name]);
  };
  const short = (value) => Math.round(value * 10) / 10;
  const see = (element, visible) =>
    visible ? element.removeAttribute("visibility") : element.setAttribute("visibility", "hidden");
  const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
  // `code` and **bold** as elements, everything else as text: what a client calls itself is never HTML.
  const spoken = (text) =>
    text.split(/(`[^`]*`|\*\*.+?\*\*)/).map((part) =>
      part[0] === "`" && part.length > 1 ? make("code", { textContent: part.slice(1, -1) })
        : part.startsWith("**") && part.length > 4 ? make("b", { textContent: part.slice(2, -2) }) : part);

  const svgOf = (image) => {
    const bytes = Uint8Array.from(atob(image.src.split(",")[1]), (letter) => letter.charCodeAt(0));
    const own = "wl-" + Math.random().toString(36).slice(2, 8) + "-";
    const text = new TextDecoder().decode(bytes).replaceAll("wl-id-", own);
    const svg = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
    put(svg, { role: "img", "aria-label": image.alt.split("\n")[0] });
    return svg;
  };

  let before = 0, active = null; // steps of the films above; the film on which the zoom acts in order view
  const panels = data.panels.map((film, index) => {
    const start = before;
    before += film.at.length;
    const svg = svgOf(images[index]);
    const count = film.at.length;
    const all = (selector) => [...svg.querySelectorAll(selector)];
    const times = (element) => [Number(element.dataset.a), Number(element.dataset.b ?? element.dataset.a)];
    const bars = new Array(count);
    const byRow = film.rows.map(() => []);
    film.row.forEach((row, step) => byRow[row].push(step));
    all("g.wl-step").forEach((group) => {
      const steps = byRow[group.dataset.row];
      [...group.children].forEach((bar, place) => { bars[steps[place]] = bar; });
    });
    const spans = all(".wl-span"), lives = all(".wl-span-line"), insides = all(".wl-in"), spots = all(".wl-at");
    const flags = all(".wl-mark"), signs = all(".wl-unawaited");
    const scaled = all(".wl-scaled"), wide = all(".wl-wide"), belows = new Map();
    all(".wl-below").forEach((text) => {
      const row = text.dataset.row;
      belows.set(row, [...(belows.get(row) ?? []), text]);
    });
    const arrows = all(".wl-signal"), besides = new Map();
    all(".wl-beside").forEach((text) => {
      const row = text.dataset.row;
      besides.set(row, [...(besides.get(row) ?? []), text]);
    });
    const plot = svg.querySelector(".wl-plot"), grid = svg.querySelector(".wl-grid");
    const axis = svg.querySelector(".wl-axis"), clip = svg.querySelector(".wl-clip");
    const cursor = draw("path", "wl-cursor", plot), current = draw("rect", "wl-current", plot);
    const select = draw("rect", "wl-select", svg);
    const labels = all(".wl-label"), legend = all(".wl-legend"), title = svg.querySelector(".wl-title");
    const lines = Math.max(0, ...legend.map((item) => Number(item.dataset.line)));
    const strips = all(".wl-order"), onlyTime = all(".wl-only-time");
    const bottom = Number(grid.dataset.bottom), top = Number(grid.dataset.top);

    // ---- where a moment stands -------------------------------------------------------------------------
    let width = data.width, lift = 0, chosen = -1, order = [-0.6, Math.max(count, 1) + 0.2];
    const whole = () => (view.order ? [-0.6, Math.max(count, 1) + 0.2] : [film.first, film.until]);
    const stretch = () => (view.order ? order : view.time ?? whole());
    const pixels = () => width - RIGHT - film.left;
    // Order is time on another scale: every step takes the same room, and so does every pause between two.
    const place = (at) => {
      if (!view.order) return at;
      if (!count || at < film.at[0]) return count && film.at[0] > film.first
        ? -0.6 * (film.at[0] - at) / (film.at[0] - film.first) : -0.3;
      let low = 0, high = count - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (film.at[middle] <= at) low = middle; else high = middle - 1;
      }
      const begin = film.at[low], end = Math.min(begin + film.long[low], film.at[low + 1] ?? Infinity);
      if (at <= end) return low + SLOT * (end > begin ? (at - begin) / (end - begin) : 1);
      const next = film.at[low + 1] ?? film.until;
      return low + SLOT + (1 - SLOT) * (next > end ? Math.min(1, (at - end) / (next - end)) : 1);
    };
    const toX = (value) => {
      const [from, to] = stretch();
      return film.left + ((value - from) / (to - from)) * pixels();
    };
    const toValue = (x) => {
      const [from, to] = stretch();
      return from + ((x - film.left) / pixels()) * (to - from);
    };
    const x = (at) => toX(place(at));
    const barAt = (step) => {
      const from = view.order ? toX(step) : x(film.at[step]);
      const to = view.order ? toX(step + SLOT) : x(film.at[step] + film.long[step]);
      return [from, Math.max(to - from, LEAST)];
    };

    // ---- moving what was drawn -------------------------------------------------------------------------
    const move = () => {
      const right = width - RIGHT;
      // A legend that needs more lines than it was drawn with pushes the title up, and nothing down.
      let left = 6, line = 0;
      const spot_ = legend.map((item) => {
        const long = Number(item.dataset.wide);
        if (left > 6 && left + long > width) { left = 6; line += 1; }
        left += long + 18;
        return [left - long - 18, line];
      });
      lift = Math.max(0, line - lines) * data.line;
      legend.forEach((item, at) => item.setAttribute("transform",
        `translate(${short(spot_[at][0])} ${Number(item.dataset.y) + spot_[at][1] * data.line - lift})`));
      title?.setAttribute("transform", `translate(0 ${-lift})`);
      put(svg, { width, height: film.height + lift, viewBox: `0 ${-lift} ${width} ${film.height + lift}` });
      clip.setAttribute("width", pixels() + RIGHT);
      wide.forEach((element) => element.setAttribute("width", pixels()));
      bars.forEach((bar, step) => {
        const [from, long] = barAt(step);
        put(bar, { x: short(from), width: short(long) });
      });
      spans.forEach((element) => {
        const [a, b] = times(element), from = x(a);
        put(element, { x: short(from), width: short(Math.max(x(b) - from, LEAST)) });
      });
      lives.forEach((element) => {
        const [a, b] = times(element);
        const from = x(a), to = Math.max(from, x(b) - Number(element.dataset.less ?? 0));
        element.setAttribute("d", `M${short(from)} ${element.dataset.y}H${short(to)}`);
      });
      insides.forEach((text) => {
        const [a, b] = times(text), from = Math.max(x(a), film.left), to = Math.min(x(b), right);
        text.setAttribute("x", short((from + to) / 2));
        see(text, to - from >= Number(text.dataset.wide));
      });
      belows.forEach((texts, row) => {
        const taken = signs.filter((sign) => sign.dataset.row === row)
          .map((sign) => x(times(sign)[0])).map((at) => [at - data.sign, at + data.sign]);
        texts.forEach((text) => {
          const [a, b] = times(text), long = Number(text.dataset.wide), how = text.dataset.show;
          const x0 = x(a), x1 = x(b), from = Math.max(x0, film.left), to = Math.min(x1, right);
          const middle = clamp((from + to) / 2, film.left + long / 2, right - long / 2);
          const low = middle - long / 2, high = middle + long / 2, roomy = to - from >= long;
          const inView = x1 >= film.left && x0 <= right;
          const fits = inView && (how === "instead" ? !roomy : how || roomy)
            && taken.every(([start, end]) => high <= start || low >= end);
          if (fits) taken.push([low, high]);
          text.setAttribute("x", short(middle));
          see(text, fits);
          // A font that is wider than was reckoned with would be cut off at the edge.
          const real = fits ? text.getComputedTextLength() : 0;
          if (real > long) text.setAttribute("x", short(clamp(middle, film.left + real / 2, right - real / 2)));
        });
      });
      besides.forEach((texts, row) => {
        const shown = new Set();
        const taken = arrows.filter((arrow) => arrow.dataset.row === row).map((arrow) => {
          const at = x(times(arrow)[0]);
          return [at + Number(arrow.dataset.low), at + Number(arrow.dataset.high)];
        });
        texts.forEach((text) => {
          const at = x(times(text)[0]), long = Number(text.dataset.wide), side = Number(text.dataset.side);
          // On its other side nothing may stand between the two: it would seem to belong to that.
          const span = (way) => {
            const near = at + way * (way === side ? data.beside : 2), far = at + way * (data.beside + long);
            return way > 0 ? [near, far] : [far, near];
          };
          const way = shown.has(text.dataset.of) ? undefined : [side, -side].find((one) => {
            const [low, high] = span(one);
            return low >= film.left && high <= width && taken.every(([start, end]) => high <= start || low >= end);
          });
          see(text, way !== undefined);
          if (way === undefined) return;
          taken.push(span(way));
          shown.add(text.dataset.of);
          put(text, { x: short(at + way * data.beside), "text-anchor": way > 0 ? "start" : "end" });
        });
      });
      spots.forEach((element) =>
        element.setAttribute("transform", `translate(${short(x(times(element)[0]))} ${element.dataset.y})`));
      flags.forEach((flag, number) => {
        const at = x(times(flag)[0]), long = Number(flag.dataset.wide), flip = at + long > width;
        const before = number ? x(times(flags[number - 1])[0]) : -Infinity;
        const after = number + 1 < flags.length ? x(times(flags[number + 1])[0]) : width + data.sign;
        const text = flag.querySelector("text");
        put(text, { x: flip ? -11 : 11, "text-anchor": flip ? "end" : "start" });
        see(text, flip ? at - long >= Math.max(before + data.sign, 0) && after > at + data.sign : at + long <= after - data.sign);
      });
      // In order view the loop's strip is busy under every step; when it slept between two of them is not told.
      strips.forEach((strip) => {
        see(strip, view.order);
        strip.setAttribute("d", !view.order ? "" : film.row
          .map((row, step) => (film.rows[row][2] === Number(strip.dataset.loop) ? barAt(step) : null))
          .filter(Boolean).map(([at, long]) => `M${short(at)} ${strip.dataset.y}h${short(long)}`).join(""));
      });
      onlyTime.forEach((element) => { if (view.order || !element.dataset.a) see(element, !view.order); });
      const [from, to] = stretch();
      const scale = view.order ? 1 : ((film.until - film.first) / data.units / (to - from)) * pixels();
      scaled.forEach((element) => {
        see(element, !view.order);
        if (!view.order)
          element.setAttribute("transform", `translate(${short(x(film.first))} ${element.dataset.y}) scale(${scale.toFixed(7)} 1)`);
      });
      drawAxis(from, to);
      showChosen();
    };

    const drawAxis = (from, to) => {
      const rough = ((to - from) * (view.order ? 60 : 95)) / Math.max(pixels(), 95);
      const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
      const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough));
      const decimals = clamp(Math.ceil(6 - Math.log10(step) - 1e-9), 0, 6);
      let path = "";
      axis.replaceChildren();
      for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
        if (view.order && (at < 0 || at >= count)) continue;
        const here = toX(view.order ? at + SLOT / 2 : at);
        if (!view.order) path += `M${short(here)} ${top}V${bottom}`;
        const text = draw("text", "", axis);
        put(text, { x: short(here), y: bottom + 20, "text-anchor": here > width - RIGHT - 20 ? "end" : "middle" });
        text.textContent = view.order ? String(numberOf(at)) : seconds(at, decimals);
      }
      if (view.order) {
        const text = draw("text", "", axis);
        put(text, { x: film.left - 12, y: bottom + 20, "text-anchor": "end" });
        text.textContent = words.nth;
      }
      grid.setAttribute("d", path);
    };

    // ---- one step after another ------------------------------------------------------------------------
    const numberOf = (step) => film.number[step] ?? film.number[0] + step; // rows that did not fit leave gaps
    const seconds = (at, decimals) => `${(at / 1e6).toFixed(decimals).replace(".", data.decimal)} s`;
    const sentence = (step) =>
      data.head.replace("{number}", numberOf(step)).replace("{count}", film.count).replace("{at}", seconds(film.at[step], 3))
      + film.say[step].map((part) => film.strings[part]).join("");
    const showChosen = () => {
      const [from, long] = chosen < 0 ? [0, 0] : barAt(chosen);
      see(cursor, chosen >= 0);
      see(current, chosen >= 0);
      if (chosen < 0) return;
      const y = film.rows[film.row[chosen]][0];
      cursor.setAttribute("d", `M${short(from + (view.order ? long / 2 : 0))} ${top}V${bottom}`);
      put(current, { x: short(from - 2), y: y + 4, width: short(long + 4), height: 26, rx: 2 });
    };
    let shaded = count;
    const choose = (step) => {
      chosen = clamp(step, -1, count - 1);
      const limit = chosen < 0 ? count : chosen + 1;
      for (let at = Math.min(shaded, limit); at < Math.max(shaded, limit); at += 1)
        bars[at].classList.toggle("wl-later", at >= limit);
      shaded = limit;
      labels.forEach((label) => label.classList.toggle("wl-chosen", chosen >= 0 && Number(label.dataset.row) === film.row[chosen]));
      if (chosen >= 0) {
        const [from, to] = stretch(), value = view.order ? chosen : film.at[chosen];
        if (value < from || value > to) { lookAt(value - (to - from) / 2, value + (to - from) / 2); return; }
      }
      showChosen();
    };

    // ---- zoom ------------------------------------------------------------------------------------------
    const lookAt = (from, to) => {
      const [low, high] = whole();
      const long = clamp(to - from, view.order ? 3 : 40, high - low);
      const start = clamp(from, low, high - long);
      if (view.order) order = [start, start + long];
      else view.time = [start, start + long];
      refresh(view.order ? [self] : panels);
    };
    const wholeFilm = () => lookAt(...whole());
    const zoom = (factor) => {
      const [from, to] = stretch();
      const value = chosen < 0 ? (from + to) / 2 : view.order ? chosen : film.at[chosen];
      const middle = value >= from && value <= to ? value : (from + to) / 2;
      const long = (to - from) / factor;
      lookAt(middle - long / 2, middle + long / 2);
    };
    const along = (part) => {
      const [from, to] = stretch();
      lookAt(from + part * (to - from), to + part * (to - from));
    };

    // ---- the mouse -------------------------------------------------------------------------------------
    const tip = make("div", { className: "wslab-tip", hidden: true });
    const spot = (event) => {
      // On a slide the whole page is scaled, and the mouse speaks of pixels of the screen.
      const box = svg.getBoundingClientRect(), scale = box.width / width || 1;
      return [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale - lift];
    };
    const under = (px, py) => {
      const row = film.rows.findIndex(([y]) => py >= y && py < y + 50);
      if (row < 0 || px < film.left - 2) return {};
      let near = -1, best = 7, before = -1;
      byRow[row].forEach((step) => {
        const [from, long] = barAt(step);
        const away = Math.max(from - px, px - from - long, 0);
        if (away < best) { best = away; near = step; }
        if (from <= px) before = step;
      });
      return { row, near, before };
    };
    let pressed = null;
    const hover = (event) => {
      const [px, py] = spot(event), { row, near, before } = under(px, py);
      let text = "";
      if (near >= 0) text = sentence(near);
      else if (row >= 0 && before >= 0 && film.rest[before] >= 0)
        text = words.suspended.replace("{lane}", () => `**${film.rows[row][1]}**`).replace("{place}", () => film.strings[film.rest[before]]);
      tip.hidden = !text || pressed !== null;
      if (tip.hidden) return;
      tip.replaceChildren(...spoken(text));
      tip.style.left = clamp(px + 14, 0, width - tip.offsetWidth - 4) + "px";
      tip.style.top = lift + clamp(py + 18, 0, Math.max(film.height - tip.offsetHeight, 0)) + "px";
    };
    const box = make("div", { className: "wslab-plot" }, svg, tip);
    see(select, false);
    box.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      const [px] = spot(event);
      pressed = clamp(px, film.left, width - RIGHT);
      active = self;
      box.setPointerCapture(event.pointerId);
      tip.hidden = true;
    });
    box.addEventListener("pointermove", (event) => {
      if (pressed === null) { hover(event); return; }
      const px = clamp(spot(event)[0], film.left, width - RIGHT);
      see(select, Math.abs(px - pressed) > 5);
      put(select, { x: Math.min(px, pressed), y: top, width: Math.abs(px - pressed), height: bottom - top });
    });
    const release = (event) => {
      if (pressed === null) return;
      const [px, py] = spot(event), end = clamp(px, film.left, width - RIGHT), begin = pressed;
      pressed = null;
      see(select, false);
      if (event.type === "pointercancel") return;
      if (Math.abs(end - begin) > 5) lookAt(toValue(Math.min(begin, end)), toValue(Math.max(begin, end)));
      else {
        const { near } = under(px, py);
        if (near >= 0) go(start + near + 1);
      }
      slider.focus({ preventScroll: true });
    };
    box.addEventListener("pointerup", release);
    box.addEventListener("pointercancel", release);
    box.addEventListener("pointerleave", () => { tip.hidden = true; });

    const self = {
      box, start, choose, title: film.title ? `**${film.title}** · ` : "",
      sentence, zoom, along, wholeFilm,
      refresh: move,
      fit: () => {
        const room = box.clientWidth;
        if (room < 50 || room === width) return false;
        width = room;
        return true;
      },
    };
    return self;
  });

  // ---- the bar above: one for all films ----------------------------------------------------------------
  const total = before;
  let now = 0; // the chosen step's number among those of all films, 0 for none
  active = panels[0];
  const say = make("p", { className: "wslab-say" });
  say.setAttribute("aria-live", "polite");
  const go = (number) => {
    now = clamp(number, 0, total);
    const panel = panels.findLast((one) => now > one.start);
    panels.filter((one) => one !== panel).forEach((one) => one.choose(-1));
    panel?.choose(now - panel.start - 1);
    active = panel ?? active;
    const text = panel ? panel.title + panel.sentence(now - panel.start - 1) : data.intro;
    slider.value = now;
    slider.setAttribute("aria-valuetext", panel ? text.replace(/\*\*|`/g, "") : "0");
    say.replaceChildren(...spoken(text));
  };
  const button = (text, label, action) => {
    const element = make("button", { type: "button", textContent: text, title: label });
    quiet(element);
    if (text.length < 3) element.setAttribute("aria-label", label);
    element.addEventListener("click", action);
    return element;
  };
  const slider = quiet(make("input", { type: "range", min: 0, max: total, value: 0, step: 1 }));
  slider.setAttribute("aria-label", words.slider);
  slider.addEventListener("input", () => go(Number(slider.value)));
  const swap = button(words.order, words.order, () => {
    view.order = !view.order;
    swap.textContent = swap.title = view.order ? words.time : words.order;
    refresh(panels);
  });
  const whole = () => panels.forEach((panel) => panel.wholeFilm());
  const bar = make("div", { className: "wslab-bar" },
    button("◀", words.back, () => go(now - 1)), slider, button("▶", words.next, () => go(now + 1)), swap,
    button("+", words.closer, () => active.zoom(2)), button("−", words.wider, () => active.zoom(0.5)),
    button(words.whole, words.whole, whole));
  const section = make("div", { className: "wslab-film" }, bar, say,
    ...panels.map((panel) => make("div", { className: "wslab-panel" }, panel.box)));
  section.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (arrow && event.shiftKey) active.along(arrow / 4);
    else if (arrow) go(now + arrow);
    else if (event.key === "Home") go(1);
    else if (event.key === "End") go(total);
    else if (event.key === "+" || event.key === "=") active.zoom(2);
    else if (event.key === "-" || event.key === "−") active.zoom(0.5);
    else if (event.key === "0") whole();
    else if (event.key === "o" || event.key === "O") swap.click();
    else return;
    event.preventDefault();
  });

  const refresh = (some) => some.forEach((panel) => panel.refresh());
  root.append(section, make("p", { className: "wslab-keys", textContent: words.keys }));
  go(0);
  refresh(panels);
  new ResizeObserver(() => refresh(panels.filter((panel) => panel.fit()))).observe(root);
}
