// Shows the HTML that the kernel sends, anew at each change; a list that was scrolled stays where it was.
function render({ model, el }) {
  const show = () => {
    const list = el.querySelector(".wslab-people");
    const top = list ? list.scrollTop : 0;
    const open = [...el.querySelectorAll("details")].map((one) => one.open);
    el.innerHTML = model.get("html");
    const again = el.querySelector(".wslab-people");
    if (again) again.scrollTop = top;
    [...el.querySelectorAll("details")].forEach((one, number) => { one.open = Boolean(open[number]); });
  };
  model.on("change:html", show);
  show();
  return () => model.off("change:html", show);
}

export default { render };
