// Before reveal.js starts, every slide is measured in the fonts of this machine: what is too tall gets a little smaller,
// and what is still too tall goes on on another slide.
(words) => {
  const FITS = [1.1, 1, 0.95, 0.9, 0.84]; // of the text's size; code at 0.84 is 18.5 units high
  const slides = document.querySelector(".slides");

  const make = (name, kind, ...children) => {
    const element = document.createElement(name);
    element.className = kind;
    element.append(...children);
    return element;
  };

  // ---- one slide: a page that holds the content, the notes beside it ------------------------------------------
  const prepare = (section) => {
    const notes = [...section.querySelectorAll("aside.notes")];
    const content = make("div", "deck-content", ...[...section.childNodes]);
    notes.forEach((note) => note.remove());
    section.append(make("div", "deck-page", content), ...notes);
    section.classList.add("deck-slide");
  };
  const contentOf = (section) => section.querySelector(".deck-content");
  const roomOf = (section) => section.querySelector(".deck-page").clientHeight;
  const fits = (section) => contentOf(section).getBoundingClientRect().height <= roomOf(section);
  const setFit = (section, fit) => section.style.setProperty("--fit", fit);
  const largestFit = (section) => FITS.find((fit) => {
    setFit(section, fit);
    return fits(section);
  });

  // ---- what can be told apart on it ---------------------------------------------------------------------------
  const WHOLE = ".wslab,p,h1,h2,h3,h4,h5,h6,blockquote,img,hr,details";
  const atoms = (node, found = []) => {
    for (const child of node.children) {
      if (child.matches("style,script")) continue;
      if (child.matches(WHOLE)) found.push(child);
      else if (child.matches("ul,ol")) found.push(...child.children);
      else if (child.matches("table")) found.push(...child.querySelectorAll("tr"));
      else if (child.matches("pre")) {
        const lines = child.querySelectorAll(":scope > .deck-line");
        found.push(...(lines.length ? lines : [child]));
      } else if (child.children.length) atoms(child, found);
      else if (child.textContent.trim()) found.push(child);
    }
    return found;
  };
  const isHeading = (atom) => atom.matches("h1,h2,h3,h4,h5,h6,tr:has(th)");

  // Coloured text is a flat row of spans: each line becomes an element of its own.
  const lined = (pre) => {
    const lines = [make("span", "deck-line")];
    const put = (node, text) => {
      text.split("\n").forEach((part, at) => {
        if (at) lines.push(make("span", "deck-line"));
        if (!part) return;
        const piece = node.nodeType === Node.TEXT_NODE ? document.createTextNode(part) : node.cloneNode(false);
        if (piece.nodeType !== Node.TEXT_NODE) piece.textContent = part;
        lines.at(-1).append(piece);
      });
    };
    for (const node of [...pre.childNodes]) put(node, node.textContent);
    while (lines.length > 1 && !lines.at(-1).textContent.trim()) lines.pop();
    pre.replaceChildren(...lines);
  };

  // ---- a single thing that is taller than a slide -------------------------------------------------------------
  const isOutput = (pre) => Boolean(pre.closest(".jp-OutputArea-output"));
  const lower = (atom, room) => {
    if (atom.matches("pre")) {
      lined(atom);
      if (isOutput(atom)) {
        const all = [...atom.children];
        const line = all[0].getBoundingClientRect().height;
        const many = Math.floor(room / line) - 2;
        if (all.length > many * 2) {
          all.slice(many).forEach((rest) => rest.remove());
          atom.append(make("span", "deck-line deck-more", words.more.replace("{count}", all.length - many)));
        }
      }
      return true;
    }
    if (atom.querySelector(".wire-steps") && !atom.dataset.folded) {
      atom.dataset.folded = "yes";
      [...atom.querySelectorAll(".wire-bar button")].at(-1).click();
      return true;
    }
    return false;
  };

  // A picture of many steps, or of two films, is shown part after part: one picture, that moves along with the slides.
  const pictures = [];
  const partsOf = (picture) => {
    const panels = [...picture.querySelectorAll(".wslab-panel")];
    return panels.length ? panels
      : [...picture.querySelectorAll(".wire-steps > li,.wslab-live > p:not(.wire-hint,.wslab-keys)")];
  };
  const show = (place) => {
    const picture = pictures[place.dataset.picture], { from, until, top, high } = place.dataset;
    if (picture.parentNode !== place) place.append(picture);
    partsOf(picture).forEach((part, at) => {
      part.classList.toggle("deck-off", at < Number(from) || at >= Number(until));
      const plot = part.querySelector(".wslab-plot");
      if (!plot) return;
      plot.classList.toggle("deck-part", Boolean(high));
      plot.style.height = high ? `${high}px` : "";
      plot.querySelector("svg").style.marginTop = high ? `${-top}px` : "";
    });
  };
  // A film of many lanes, cut between two of them: from where to where, in the drawing's own units.
  const slices = (panel, room) => {
    panel.classList.add("deck-tall");
    const plot = panel.querySelector(".wslab-plot"), svg = plot.querySelector("svg");
    const high = Number(svg.getAttribute("height")), scale = svg.getBoundingClientRect().height / high;
    const free = (room - panel.getBoundingClientRect().height) / scale + high;
    const rules = [...svg.querySelectorAll(".wl-rule")].map((rule) => rule.getBBox().y - svg.viewBox.baseVal.y);
    const found = [];
    for (let top = 0; top < high; top += found.at(-1).high) {
      const end = high - top <= free ? high : rules.findLast((rule) => rule > top && rule <= top + free);
      if (end === undefined) return [{}];
      found.push({ top, high: end - top });
    }
    return found;
  };
  const inParts = (section, picture, room) => {
    const parts = partsOf(picture);
    const tall = parts.map((part) => part.getBoundingClientRect().height);
    const around = picture.getBoundingClientRect().height - tall.reduce((sum, one) => sum + one, 0);
    const above = picture.getBoundingClientRect().top - contentOf(section).getBoundingClientRect().top;
    const groups = [[0, 0]];
    let left = room - above - around - 8;
    parts.forEach((part, at) => {
      if (tall[at] > left && at > groups.at(-1)[0]) {
        const back = parts[at - 1].matches(".wire-gap") && at - 1 > groups.at(-1)[0] ? 1 : 0;
        groups.at(-1)[1] = at - back;
        groups.push([at - back, 0]);
        left = room - around - 8 - (back ? tall[at - 1] : 0);
      }
      left -= tall[at];
    });
    groups.at(-1)[1] = parts.length;
    const windows = groups.flatMap(([from, until], number) => {
      const free = room - around - 8 - (number ? 0 : above);
      const one = until - from === 1 && tall[from] > free && parts[from].querySelector(".wslab-plot");
      return (one ? slices(parts[from], free) : [{}]).map((slice) => ({ from, until, ...slice }));
    });
    if (windows.length < 2) return [];
    const number = pictures.push(picture) - 1;
    const places = windows.map((one) => {
      const place = make("div", "deck-window");
      Object.assign(place.dataset, { picture: number, ...one });
      return place;
    });
    picture.replaceWith(places[0]);
    show(places[0]);
    return places.slice(1);
  };

  // ---- cutting ------------------------------------------------------------------------------------------------
  const cellOf = (atom) => atom.closest(".jp-Cell") ?? atom;
  const cutAt = (section) => {
    const content = contentOf(section), all = atoms(content);
    const top = content.getBoundingClientRect().top, room = roomOf(section);
    let at = all.findIndex((atom) => atom.getBoundingClientRect().bottom - top > room);
    if (at < 0) at = all.length - 1; // only a margin hangs over
    const over = all[at];
    // Better between two cells than inside one, unless half a slide would stay empty.
    const first = all.findIndex((atom) => cellOf(atom) === cellOf(over));
    if (first > 0 && all[first].getBoundingClientRect().top - top > room * 0.45) at = first;
    while (at > 0 && isHeading(all[at - 1])) at -= 1;
    return { all, at, over: all.indexOf(over), room };
  };
  const goOn = (section, all, at) => {
    const content = contentOf(section), before = all.slice(0, at);
    let node = all[at];
    while (node.parentNode !== content && !before.some((atom) => node.parentNode.contains(atom))) node = node.parentNode;
    const range = document.createRange();
    range.setStartBefore(node);
    range.setEndAfter(content.lastChild);
    const rest = make("div", "deck-content", range.extractContents());
    const next = beside(section, rest);
    // The elements that now stand on both slides: one id, one header row, one numbering; and the first thing is there at once.
    for (let open = rest.firstElementChild; open && open !== all[at]; open = open.firstElementChild) {
      if (open !== node) open.removeAttribute("id");
      open.classList.remove("fragment");
      const there = all[at - 1]?.closest(open.localName);
      if (open.matches("ol") && there && there !== open) open.start = (there.start || 1) + there.children.length;
      if (open.matches("table") && there && there !== open && there.tHead && !open.tHead) open.prepend(there.tHead.cloneNode(true));
    }
    return next;
  };
  const beside = (section, content) => {
    const next = section.cloneNode(false);
    next.removeAttribute("id");
    next.append(make("div", "deck-page", content), ...[...section.querySelectorAll("aside.notes")].map((note) => note.cloneNode(true)));
    section.after(next);
    return next;
  };
  const paginate = (section) => {
    if (largestFit(section)) return;
    for (let guard = 0; guard < 20; guard += 1) {
      setFit(section, 0.9);
      const { all, at, over, room } = cutAt(section);
      if (at > 0) {
        const next = goOn(section, all, at);
        largestFit(section);
        paginate(next);
        return;
      }
      if (lower(all[over], room)) {
        if (largestFit(section)) return;
        continue;
      }
      const rest = over + 1 < all.length ? goOn(section, all, over + 1) : null;
      const places = all[over].matches(".wslab") ? inParts(section, all[over], room) : [];
      for (const place of places.reverse()) beside(section, make("div", "deck-content", place));
      if (!places.length && over > 0) paginate(goOn(section, all, over)); // a heading by itself
      if (!largestFit(section)) section.dataset.overfull = "yes";
      if (rest) paginate(rest);
      return;
    }
  };

  const footers = () => {
    let heading = "";
    for (const section of slides.querySelectorAll(".deck-slide")) {
      const found = section.querySelector("h1,h2");
      const here = found?.textContent.trim() ?? heading;
      if (!found && here) section.append(make("p", "deck-foot", `${words.title} — ${here}`));
      else section.append(make("p", "deck-foot", words.title));
      heading = found?.matches("h1") ? "" : here;
    }
  };

  const settled = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))));
  const start = async () => {
    await document.fonts.ready;
    for (const section of slides.querySelectorAll(":scope > section > section")) prepare(section);
    await settled(); // the pictures have found their width
    for (const section of [...slides.querySelectorAll(".deck-slide")]) paginate(section);
    footers();
    slides.querySelectorAll(".wslab").forEach((picture) => picture.setAttribute("data-prevent-swipe", ""));
    document.documentElement.classList.remove("deck-preparing");
    const inPicture = (element) => Boolean(element?.closest?.(".wslab"));
    await Reveal.initialize({
      width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 6, center: false, hash: true,
      transition: "none", slideNumber: "c/t", navigationMode: "linear", controlsTutorial: false,
      plugins: [RevealNotes],
      // While something in a picture has the focus, its keys are the picture's; Escape gives them back.
      keyboardCondition: (event) => !inPicture(event.target),
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && inPicture(document.activeElement)) {
        document.activeElement.blur();
        event.stopPropagation();
      }
    }, true);
    Reveal.getCurrentSlide().querySelectorAll(".deck-window").forEach(show);
    Reveal.on("slidechanged", ({ currentSlide }) => {
      if (inPicture(document.activeElement)) document.activeElement.blur();
      currentSlide.querySelectorAll(".deck-window").forEach(show);
    });
    document.documentElement.dataset.deck = "ready";
  };
  if (document.readyState === "complete") start();
  else addEventListener("load", start);
}
