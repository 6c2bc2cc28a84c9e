// On the slide that is shown: what goes past its box, what is cut off, which text is too small. All in screen pixels.
(least) => {
  const slide = Reveal.getCurrentSlide();
  const box = slide.getBoundingClientRect();
  const found = [];
  const named = (element) => {
    const text = (element.textContent || "").replace(/\s+/g, " ").trim().slice(0, 60);
    const kind = element.getAttribute("class") ? `.${element.getAttribute("class").split(" ")[0]}` : "";
    return `<${element.localName}${kind}> “${text}”`;
  };
  const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !element.closest("aside.notes,.wire-sr");
  const scaleOf = (element) => {
    if (element instanceof SVGElement) {
      const text = element.closest("text") ?? element.ownerSVGElement ?? element;
      const drawn = text.getBBox();
      return drawn.height ? text.getBoundingClientRect().height / drawn.height : 1;
    }
    let block = element;
    while (block && !(block.offsetWidth > 40 && getComputedStyle(block).display !== "inline")) block = block.parentElement;
    return block ? block.getBoundingClientRect().width / block.offsetWidth : 1;
  };
  for (const element of [slide, ...slide.querySelectorAll("*")]) {
    if (!seen(element)) continue;
    const rect = element.getBoundingClientRect();
    if (!rect.width || !rect.height) continue;
    // A film that goes on on the next slide: a word is wholly on this one or not on it at all.
    const part = element.parentElement.closest(".deck-part");
    if (part) {
      const frame = part.getBoundingClientRect();
      if (rect.bottom < frame.top + 2 || rect.top > frame.bottom - 2) continue;
      const over = Math.max(frame.top - rect.top, rect.bottom - frame.bottom);
      if (element.localName === "text" && over > 2) found.push({ what: "cut", by: over, where: named(element) });
    }
    const drawing = element.closest("svg");
    if (part ? element.localName === "text" : !drawing || drawing === element || element.localName === "text") {
      const past = Math.max(box.left - rect.left, box.top - rect.top, rect.right - box.right, rect.bottom - box.bottom);
      if (past > 1) found.push({ what: "past", by: past, where: named(element) });
    }
    if (element.localName === "text") {
      const frame = element.ownerSVGElement.getBoundingClientRect();
      const past = Math.max(frame.left - rect.left, frame.top - rect.top, rect.right - frame.right, rect.bottom - frame.bottom);
      if (past > 2) found.push({ what: "cut", by: past, where: named(element) });
    }
    if (!drawing && !element.matches(".deck-part")) {
      const style = getComputedStyle(element);
      const over = Math.max(
        style.overflowY === "visible" ? 0 : element.scrollHeight - element.clientHeight,
        style.overflowX === "visible" ? 0 : element.scrollWidth - element.clientWidth);
      if (over > 1 && element.clientHeight > 2) found.push({ what: "cut", by: over, where: named(element) });
    }
    if ([...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) {
      const size = parseFloat(getComputedStyle(element).fontSize) * scaleOf(element);
      if (size < least - 0.05) found.push({ what: "small", by: size, where: named(element) });
    }
  }
  return found;
}
