// The card on which a learner predicts. The kernel says what to show (`view`); answers go back as messages.
// `keep_choice`: the card keeps what was chosen on it, where the kernel has several questions for one card.
const element = (name, className, parent) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  // JupyterLab would take arrow keys and letters for its own shortcuts: Down would leave the card, "d d" delete the
  // cell. It looks for this mark from the focused element upwards and stops at the first shortcut that fits.
  if (name === "input" || name === "button") made.dataset.lmSuppressShortcuts = "true";
  parent.append(made);
  return made;
};

function render({ model, el }) {
  const form = element("form", "wslab wslab-predict wslab-form", el);
  form.noValidate = true;
  const fieldset = element("fieldset", "", form);
  const legend = element("legend", "", fieldset);
  const lead = element("span", "wslab-lead", legend);
  const question = element("span", "wslab-question", legend);
  const answers = element("div", "wslab-answers", fieldset);
  const actions = element("div", "wslab-actions", form);
  const sure = element("button", "wslab-sure", actions);
  sure.type = "submit";
  const skip = element("button", "wslab-skip", actions);
  const change = element("button", "wslab-change", actions);
  const next = element("button", "wslab-next", actions);
  skip.type = change.type = next.type = "button";
  const verdict = element("p", "wslab-verdict", form);
  verdict.setAttribute("role", "status");
  const says = element("p", "wslab-says", form);
  says.setAttribute("role", "status");
  const fault = element("p", "wslab-fault", form);
  const group = `wslab-${Math.random().toString(36).slice(2)}`;
  says.id = `${group}-says`;
  let changing = false;
  let waiting = null;
  let field = null;
  let built = null;

  const view = () => model.get("view");
  const tell = (text, isError = false) => {
    says.textContent = text;
    says.classList.toggle("wslab-error", isError);
    if (field) field.setAttribute("aria-invalid", isError);
  };

  const build = () => {
    const now = view();
    answers.replaceChildren();
    field = null;
    built = now.key;
    if (now.kind === "choice") {
      for (const option of now.options) {
        const label = element("label", "wslab-option", answers);
        const radio = element("input", "", label);
        Object.assign(radio, { type: "radio", name: group, value: option.id });
        element("span", "", label).innerHTML = option.html;
      }
    } else {
      const label = element("label", "wslab-free", answers);
      element("span", "", label).textContent = now.labels.answer;
      field = element("input", "", label);
      Object.assign(field, { type: "text", autocomplete: "off", spellcheck: false });
      field.setAttribute("aria-describedby", says.id);
      if (now.kind === "number") field.inputMode = "decimal";
      if (now.unit) element("span", "", label).textContent = now.unit;
    }
  };

  const given = () => (field ? field.value : (answers.querySelector("input:checked") || {}).value || "");

  const show = () => {
    const now = view();
    form.lang = now.lang;
    lead.textContent = now.lead;
    question.innerHTML = now.question;
    const open = changing || now.state === "open";
    for (const radio of answers.querySelectorAll("input[type=radio]")) {
      if (!changing && now.state !== "open" && !now.keep_choice) radio.checked = radio.value === now.answer;
      radio.parentElement.classList.toggle("wslab-chosen", !open && radio.checked);
    }
    if (field && !changing && now.state !== "open" && !now.keep_choice) field.value = now.answer || "";
    fieldset.disabled = !open;
    sure.textContent = now.labels.sure;
    skip.textContent = now.labels.skip;
    change.textContent = now.state === "skipped" ? now.labels.answer_now : now.labels.change;
    sure.hidden = skip.hidden = !open;
    change.hidden = open || !change.textContent;
    next.textContent = now.labels.next || "";
    next.hidden = open || !now.labels.next;
    verdict.innerHTML = now.verdict || "";
    verdict.hidden = !now.verdict;
    fault.textContent = now.fault;
    fault.hidden = !now.fault;
    tell(now.says, now.is_error);
  };

  // The keyboard goes on to the next cell, which is the one that answers.
  const leave = () => {
    const cell = form.closest(".jp-Cell");
    if (!cell) return;
    const next = cell.nextElementSibling;
    const goal = next && next.matches(".jp-Cell") ? next : cell;
    goal.focus({ preventScroll: true });
  };

  const send = (message) => {
    tell(view().labels.sending);
    clearTimeout(waiting);
    waiting = setTimeout(() => tell(view().labels.silent, true), 4000);
    model.send(message);
  };

  const submit = () => {
    if (given().trim()) send({ do: "answer", answer: given() });
    else tell(view().labels.empty, true);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  // What is chosen counts even where the next cell is run without a click on the button.
  answers.addEventListener("change", () => model.send({ do: "choose", answer: given() }));
  skip.addEventListener("click", () => send({ do: "skip" }));
  change.addEventListener("click", () => {
    changing = true;
    show();
    tell("");
    (answers.querySelector("input:checked") || answers.querySelector("input")).focus();
  });
  next.addEventListener("click", () => send({ do: "next" }));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") {
      const cell = form.closest(".jp-Cell");
      if (cell) cell.focus({ preventScroll: true });
    }
  });

  const changed = () => {
    clearTimeout(waiting);
    const now = view();
    if (!now.is_error) changing = false;
    const inside = form.contains(document.activeElement);
    const another = now.key !== built;
    if (another) build();
    show();
    if (!inside || now.is_error) return;
    if (another) answers.querySelector("input").focus();
    else if (now.confirmed && !next.hidden) next.focus();
    else if (now.confirmed) leave();
  };
  model.on("change:view", changed);
  build();
  show();
  return () => {
    clearTimeout(waiting);
    model.off("change:view", changed);
  };
}

export default { render };
