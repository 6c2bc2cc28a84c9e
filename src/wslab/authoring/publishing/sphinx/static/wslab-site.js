// The pictures follow the theme of the page; the other language opens at the cell that is being read.
(() => {
  const page = document.documentElement;
  const follow = () => { document.body.dataset.jpThemeLight = String(page.dataset.theme !== "dark"); };
  const ready = () => {
    follow();
    new MutationObserver(follow).observe(page, { attributes: true, attributeFilter: ["data-theme"] });
    const anchors = [...document.querySelectorAll(".cell-anchor")];
    const reading = () => {
      const line = 110; // just below the bar at the top
      return anchors.findLast((anchor) => anchor.getBoundingClientRect().top <= line);
    };
    for (const link of document.querySelectorAll("a.wslab-language")) {
      const there = link.getAttribute("href");
      const aim = () => {
        const cell = scrollY > 0 ? reading() : null;
        link.setAttribute("href", cell ? `${there}#${cell.id}` : there);
      };
      for (const event of ["pointerdown", "focus", "click"]) link.addEventListener(event, aim);
    }
  };
  if (document.body) ready();
  else document.addEventListener("DOMContentLoaded", ready);
})();
