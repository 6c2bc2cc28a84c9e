// The page of somebody who has joined: the app's WebSocket, and a socket of the gate's on which questions come.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const say = data.says;
  const longest = 200; // messages that stay on the page

  // `code` in a text of the course becomes a <code>; everything else is text.
  const write = (where, text) => {
    where.replaceChildren();
    text.split("`").forEach((part, number) => {
      if (number % 2) where.append(Object.assign(document.createElement("code"), { textContent: part }));
      else where.append(part);
    });
  };

  // A socket that reconnects by itself after 1, 2, 4 … seconds, with jitter: not all phones of a class at once.
  const keep = (path, told) => {
    let tries = 0;
    const self = { socket: null, over: false };
    const open = () => {
      const socket = new WebSocket(`ws://${location.host}${path}`);
      self.socket = socket;
      socket.onopen = () => { tries = 0; told.open(); };
      socket.onmessage = (event) => told.message(event.data);
      socket.onclose = (event) => {
        self.socket = null;
        if (self.over) return;
        tries += 1;
        told.close(event, tries);
        const wait = Math.min(2 ** tries, 16) * (0.5 + Math.random());
        if (!self.over) setTimeout(open, wait * 1000);
      };
    };
    open();
    return self;
  };

  const sockets = [];
  const finish = (sentence) => {
    for (const one of sockets) {
      one.over = true;
      if (one.socket) one.socket.close();
    }
    at("over").textContent = sentence;
    at("over").hidden = false;
    at("vote").hidden = true;
    if (at("say")) at("say").querySelector("button").disabled = true;
    at("rename").hidden = true;
    at("state").textContent = "";
  };

  // The app
  if (data.ws) {
    const list = at("messages");
    const button = at("say").querySelector("button");
    const app = keep(data.ws, {
      open: () => { at("state").textContent = say.open; button.disabled = false; },
      message: (text) => {
        const line = document.createElement("li");
        line.textContent = typeof text === "string" ? text : say.binary;
        list.prepend(line);
        while (list.children.length > longest) list.lastChild.remove();
      },
      close: (event, tries) => {
        button.disabled = true;
        const why = event.reason ? `${event.code} ${event.reason}` : String(event.code);
        at("state").textContent = `${say.closed.replace("{why}", why)} ${tries > 1 ? say.waiting : ""}`;
      },
    });
    sockets.push(app);
    at("say").addEventListener("submit", (event) => {
      event.preventDefault();
      const field = at("text");
      if (!field.value || !app.socket || app.socket.readyState !== WebSocket.OPEN) return;
      app.socket.send(field.value);
      field.value = "";
      field.focus();
    });
  }

  // The questions
  let shown = null;
  let now = null;
  const answers = at("answers");
  const given = () => {
    const field = answers.querySelector("input[type=text]");
    if (field) return field.value.trim();
    return (answers.querySelector("input:checked") || {}).value || "";
  };
  const build = () => {
    answers.replaceChildren();
    if (now.kind === "choice") {
      for (const option of now.options) {
        const label = document.createElement("label");
        label.className = "option";
        const radio = Object.assign(document.createElement("input"), { type: "radio", name: "choice", value: option.id });
        const text = document.createElement("span");
        write(text, option.text);
        label.append(radio, text);
        answers.append(label);
      }
    } else {
      const row = document.createElement("div");
      row.className = "free";
      const field = Object.assign(document.createElement("input"), { type: "text", autocomplete: "off", maxLength: 80 });
      field.setAttribute("aria-labelledby", "question");
      if (now.kind === "number") field.inputMode = "decimal";
      row.append(field);
      if (now.unit) row.append(now.unit);
      answers.append(row);
    }
  };
  const show = () => {
    at("vote").hidden = !now;
    at("quiet").hidden = Boolean(now);
    if (!now) { shown = null; return; }
    const fresh = shown !== now.id;
    if (fresh) {
      shown = now.id;
      write(at("question"), now.question);
      at("gloss").textContent = now.gloss || "";
      at("gloss").hidden = !now.gloss;
      build();
    }
    const field = answers.querySelector("input[type=text]");
    if (field && now.yours && (fresh || !now.open)) field.value = now.yours;
    for (const radio of answers.querySelectorAll("input[type=radio]")) {
      if (now.yours && (fresh || !now.open)) radio.checked = radio.value === now.yours;
      radio.parentElement.classList.toggle("chosen", radio.value === now.yours);
      radio.parentElement.classList.toggle("right", radio.value === now.right);
    }
    at("choices").disabled = !now.open;
    at("send").hidden = !now.open;
    write(at("verdict"), now.says);
    write(at("teaches"), now.teaches || "");
    at("teaches").hidden = !now.teaches;
  };
  const live = keep("/join/live", {
    open: () => {},
    message: (text) => {
      const state = JSON.parse(text);
      if (state.over) { finish(state.over); return; }
      now = state.vote || null;
      show();
    },
    close: async () => {
      // A socket that could not connect does not say whether the network is away or the session has ended; a request does.
      try {
        const reply = await fetch(`/join/live?lang=${document.documentElement.lang}`, { cache: "no-store" });
        if (reply.status === 403) finish(await reply.text());
      } catch { /* nobody answers: the next try will tell */ }
    },
  });
  sockets.push(live);
  at("vote").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!given()) { at("verdict").textContent = say.nothing; return; }
    if (!live.socket || live.socket.readyState !== WebSocket.OPEN) { at("verdict").textContent = say.offline; return; }
    live.socket.send(JSON.stringify({ vote: now.id, choice: given() }));
    at("verdict").textContent = say.sending;
  });
})();
