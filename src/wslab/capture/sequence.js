(root, data) => {
  const ui = data.ui;
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.filter((child) => child !== null && child !== ''));
    return element;
  };
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  const LANE = 26;
  const lanesWide = Math.max(0, ...Object.values(data.lanes)) + 1;
  const several = data.connections.length > 1;
  const laneOf = (connection) => data.lanes[connection] ?? 0;
  const laneX = (lane) => 4 + lane * LANE;

  // Which life lines run beside which row.
  const steps = data.rows.filter((row) => typeof row === 'object');
  const span = new Map();
  steps.forEach((row, place) => {
    const [first] = span.get(row.c) ?? [place];
    span.set(row.c, [first, place]);
  });

  const off = new Set();
  let only = '';
  let wanted = '';
  const entries = [];

  const lines = (place) => {
    const found = [make('i', {class: 'wire-line server', 'aria-hidden': 'true'})];
    const drawn = new Set();
    for (const [connection, [first, last]] of span) {
      const whole = !several;
      if (!whole && (place < first || place > last)) continue;
      const lane = laneOf(connection);
      if (drawn.has(lane)) continue;
      drawn.add(lane);
      const ends = (!whole && place === first ? ' first' : '') + (!whole && place === last ? ' last' : '');
      found.push(make('i', {class: `wire-line${ends}`, style: `left:${laneX(lane) - 1}px`, 'aria-hidden': 'true'}));
    }
    return found;
  };
  const lanesBox = (...children) =>
    make('div', {class: 'wire-lanes', style: `--lanes:${laneX(lanesWide - 1) + 20}px`}, ...children);

  // The bits of one byte.
  const bits = make('div', {class: 'wire-bits'});
  const meaning = make('p', {class: 'wire-meaning', role: 'status'});
  const panel = make('div', {class: 'wire-panel', hidden: true}, bits, meaning);
  // Under the bytes that it speaks of, or above them where there is no room: what scrolls may cut off the rest.
  const settle = (box) => {
    panel.hidden = false;
    const frame = root.getBoundingClientRect();
    const at = box.getBoundingClientRect();
    // On a slide the whole page is scaled, and these rectangles with it.
    const scale = frame.width / root.offsetWidth || 1;
    const below = (at.bottom - frame.top) / scale + 6;
    const above = (at.top - frame.top) / scale - panel.offsetHeight - 6;
    const low = Math.min(frame.height, window.innerHeight - frame.top) / scale;
    panel.style.top = `${below + panel.offsetHeight > low && above > 0 ? above : below}px`;
  };
  const legend = make('ul', {class: 'wire-legend', 'aria-label': ui.legend});
  for (const [part, sample] of [['head', '81 87'], ['length', '01 a4'], ['key', 'f3 5c b0 51'], ['load', 'be 39 c2']]) {
    legend.append(make('li', {}, make('span', {class: `wire-swatch p-${part}`, 'aria-hidden': 'true'}, sample), ui.parts[part]));
  }

  const binary = (byte) => byte.toString(2).padStart(8, '0');
  const hex = (byte) => byte.toString(16).padStart(2, '0');
  const field = (part, digits, ...names) => {
    const cells = make('span', {class: `cells p-${part}`});
    for (const digit of digits) cells.append(make('span', {}, digit));
    return make('span', {class: 'wire-field'}, cells, ...names.map((name) => make('small', {}, name)));
  };
  const sign = (text) => make('span', {class: 'wire-field'}, make('span', {class: 'sign', 'aria-hidden': 'true'}, text));

  const letterAt = (payload, place) => {
    let start = place;
    while (start > 0 && (payload[start] & 0xc0) === 0x80 && place - start < 3) start -= 1;
    for (let size = 1; size <= 4; size += 1) {
      try {
        const letters = new TextDecoder('utf-8', {fatal: true}).decode(payload.slice(start, start + size));
        if ([...letters].length === 1 && start + size > place && letters >= ' ' && letters !== '\u007f') {
          const shown = letters === ' ' ? '␣' : letters;
          return size === 1 ? shown : `${shown} ${place - start + 1}/${size}`;
        }
        return '';
      } catch {
        continue;
      }
    }
    return '';
  };

  const describe = (row, bytes, place) => {
    const byte = bytes[place];
    const digits = binary(byte);
    const key = bytes[1] & 0x80 ? bytes.slice(row.head - 4, row.head) : null;
    const lengthEnd = row.head - (key ? 4 : 0);
    if (place === 0) {
      const code = byte & 15;
      const known = ui.opcodes[code];
      const rsv = [0x40, 0x20, 0x10].map((bit, at) => (byte & bit ? (at === 0 && row.packed ? 2 : 1) : 0));
      const fields = [
        field('head', digits[0], 'FIN'),
        ...[1, 2, 3].map((n) => field('head', digits[n], `RSV${n}`)),
        field('head', digits.slice(4), `opcode 0x${code.toString(16)}`),
      ];
      const set = rsv.flatMap((state, at) => (state ? [`RSV${at + 1}: ${ui.rsv[state]}`] : []));
      const said = [`FIN: ${ui.fin[byte >> 7]}`, ...set, known ? `${known[0]}: ${known[1]}` : ui.opcode];
      return [fields, said.join(' · ')];
    }
    if (place === 1) {
      const short = byte & 0x7f;
      const length = short === 126 ? ui.length[1] : short === 127 ? ui.length[2] : fill(ui.length[0], {n: short});
      return [
        [field('head', digits[0], 'MASK'), field('head', digits.slice(1), `Payload len ${short}`)],
        `MASK: ${ui.mask[byte >> 7]} · ${length}`,
      ];
    }
    if (place < lengthEnd) {
      const length = BigInt('0x' + row.raw.slice(4, 2 * lengthEnd));
      return [
        [field('length', digits, hex(byte))],
        `${fill(ui.lengthByte, {place: place - 1, all: lengthEnd - 2})} · ${fill(ui.length[0], {n: length})}`,
      ];
    }
    if (place < row.head) {
      return [[field('key', digits, hex(byte))], fill(ui.keyByte, {place: place - lengthEnd + 1})];
    }
    const at = place - row.head;
    const payload = Uint8Array.from(bytes.slice(row.head), (value, n) => (key ? value ^ key[n % 4] : value));
    const code = (bytes[0] & 15) === 8 && at < 2;
    const letter = code ? `${ui.code} ${at + 1}/2` : row.packed ? '' : letterAt(payload, at);
    const total = row.size - row.head;
    const said = fill(ui.loadByte, {place: at + 1, all: total}) + (letter ? `: ${letter}` : '');
    if (!key) return [[field('load', digits, hex(byte), letter)], said];
    return [
      [
        field('load', digits, hex(byte)),
        sign('⊕'),
        field('key', binary(key[at % 4]), hex(key[at % 4])),
        sign('='),
        field('load', binary(payload[at]), hex(payload[at]) + (letter ? `  ${letter}` : '')),
      ],
      `${said} · ${ui.unmasked}`,
    ];
  };

  const byteRow = (row) => {
    const bytes = row.raw.match(/../g).map((pair) => parseInt(pair, 16));
    const masked = bytes[1] & 0x80;
    const lengthEnd = row.head - (masked ? 4 : 0);
    const box = make('div', {class: 'wire-bytes', role: 'group', 'aria-label': ui.bytes});
    bytes.forEach((byte, place) => {
      const part = place < 2 ? 'head' : place < lengthEnd ? 'length' : place < row.head ? 'key' : 'load';
      if (place === 2 || (place === lengthEnd && place > 2) || (place === row.head && masked)) box.append(make('span', {class: 'gap'}));
      const button = make(
        'button',
        {
          type: 'button',
          class: `wire-byte p-${part}`,
          tabindex: place === 0 ? '0' : '-1',
          'aria-label': `${fill(ui.byte, {place: place + 1, all: row.size})}: ${hex(byte)}`,
        },
        hex(byte)
      );
      const show = () => {
        const [fields, said] = describe(row, bytes, place);
        bits.replaceChildren(...fields);
        meaning.textContent = said;
        settle(box);
        for (const other of root.querySelectorAll('.wire-byte.pair')) other.classList.remove('pair');
        if (part === 'load' && masked) buttons[lengthEnd + ((place - row.head) % 4)].classList.add('pair');
      };
      button.addEventListener('mouseenter', show);
      button.addEventListener('focus', show);
      box.append(button);
    });
    box.addEventListener('mouseleave', (event) => away(event));
    if (row.more) box.append(make('span', {class: 'wire-byte-note'}, fill(ui.more, {count: row.more})));
    const buttons = [...box.querySelectorAll('.wire-byte')];
    box.addEventListener('keydown', (event) => {
      const here = buttons.indexOf(document.activeElement);
      const move = {ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: buttons.length - 1}[event.key];
      if (here < 0 || move === undefined) return;
      event.preventDefault();
      const next = buttons[Math.min(buttons.length - 1, Math.max(0, move))];
      buttons[here].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
    return box;
  };

  const open = (entry, expanded) => {
    entry.title.setAttribute('aria-expanded', String(expanded));
    if (expanded && !entry.body.childElementCount) {
      for (const [tone, text] of entry.row.say) entry.body.append(make('p', {class: `wire-say ${tone}`}, text));
      if (entry.row.raw) entry.body.append(byteRow(entry.row));
    }
    entry.body.hidden = !expanded;
  };

  const list = make('ol', {class: 'wire-steps'});
  let place = -1;
  for (const row of data.rows) {
    if (typeof row === 'number') {
      const words = `⋯ ${fill(ui.left, {count: row})} ⋯`;
      list.append(make('li', {class: 'wire-gap wire-step'}, make('span'), lanesBox(...lines(place), words)));
      continue;
    }
    place += 1;
    const key = `wire-${Math.random().toString(36).slice(2)}`;
    const title = make(
      'button',
      {type: 'button', class: 'wire-title', 'aria-expanded': 'false', 'aria-controls': key},
      make('span', {class: 'wire-sr'}, `${row.who}${several ? ` (${row.c})` : ''}, ${row.t}: `),
      (row.g === 'error' ? '⚠ ' : '') + row.title
    );
    const body = make('div', {id: key, hidden: true});
    const head = make('div', {class: 'wire-head'}, title, row.mark ? make('span', {class: 'wire-mark'}, row.mark) : null);
    const from = `--from:${laneX(laneOf(row.c))}px`;
    const pointed = row.g !== 'error' || row.end;
    const item = make(
      'li',
      {class: 'wire-step'},
      make('span', {class: 'wire-time', 'aria-hidden': 'true'}, row.t),
      lanesBox(
        ...lines(place),
        make('div', {class: `wire-box ${row.box}`}, head, body),
        pointed ? make('i', {class: `wire-arrow ${row.d} ${row.end}${several ? ' several' : ''}`, style: from, 'aria-hidden': 'true'}) : null,
        several && pointed ? make('i', {class: 'wire-badge', style: from, 'aria-hidden': 'true'}, String(row.c)) : null
      )
    );
    let gap = null;
    if (row.gap) {
      gap = make('li', {class: 'wire-gap wire-step'}, make('span'), lanesBox(...lines(place), `⋯ ${fill(ui.silence, {time: row.gap})} ⋯`));
      list.append(gap);
    }
    list.append(item);
    const entry = {row, item, gap, title, body, text: `${row.title} ${row.say.map(([, text]) => text).join(' ')}`.toLowerCase()};
    entries.push(entry);
    title.addEventListener('click', () => open(entry, body.hidden));
    title.addEventListener('keydown', (event) => {
      const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
      if (!step) return;
      event.preventDefault();
      const shown = entries.filter((other) => !other.item.hidden);
      shown[Math.min(shown.length - 1, Math.max(0, shown.indexOf(entry) + step))].title.focus();
    });
    open(entry, !data.folded);
  }

  // The filter.
  const count = make('span', {class: 'wire-count', role: 'status'});
  const sift = () => {
    let shown = 0;
    for (const {row, item, gap, text} of entries) {
      const hidden = off.has(row.g) || (only !== '' && String(row.c) !== only) || (wanted !== '' && !text.includes(wanted));
      item.hidden = hidden;
      item.style.display = hidden ? 'none' : '';
      if (gap) gap.style.display = hidden ? 'none' : '';
      shown += hidden ? 0 : 1;
    }
    count.textContent = fill(ui.count, {shown, all: data.total});
  };
  const bar = make('div', {class: 'wire-bar', role: 'group', 'aria-label': ui.filter});
  for (const [group, name] of data.groups) {
    const of = steps.filter((row) => row.g === group).length;
    if (!of) continue;
    const button = make('button', {type: 'button', 'aria-pressed': 'true'}, `${name} ${of}`);
    button.addEventListener('click', () => {
      if (off.has(group)) off.delete(group);
      else off.add(group);
      button.setAttribute('aria-pressed', String(!off.has(group)));
      sift();
    });
    bar.append(button);
  }
  if (several) {
    const select = make('select');
    select.append(make('option', {value: ''}, ui.all));
    for (const connection of data.connections) select.append(make('option', {value: connection}, String(connection)));
    select.addEventListener('change', () => {
      only = select.value;
      sift();
    });
    bar.append(make('label', {}, ui.connection, select));
  }
  const search = make('input', {type: 'search', size: '10'});
  search.addEventListener('input', () => {
    wanted = search.value.trim().toLowerCase();
    sift();
  });
  bar.append(make('label', {}, ui.search, search));
  for (const [words, expanded] of [[ui.expand, true], [ui.collapse, false]]) {
    const button = make('button', {type: 'button'}, words);
    button.addEventListener('click', () => entries.filter(({item}) => !item.hidden).forEach((entry) => open(entry, expanded)));
    bar.append(button);
  }
  bar.append(count);

  const names = make(
    'div',
    {class: 'wire-names', 'aria-hidden': 'true'},
    make('span', {class: 'client'}, several ? ui.clients : ui.client),
    make('span', {class: 'server'}, ui.server)
  );
  const framed = steps.some((row) => row.raw);
  root.replaceChildren(bar, ...(framed ? [legend, make('p', {class: 'wire-hint'}, ui.hint)] : []), names, list);
  for (const {good, text} of data.verdicts) {
    root.append(make('p', {class: `wire-verdict ${good ? 'good' : 'bad'}`}, `${good ? '✓' : '✗'} ${text}`));
  }
  if (data.note) root.append(make('p', {}, data.note));
  root.append(panel);
  // It stays while the pointer is on the bytes or on the panel itself, and while a byte has the focus.
  const away = (event) => {
    const next = event.relatedTarget;
    if (next && (panel.contains(next) || next.closest?.('.wire-bytes'))) return;
    if (document.activeElement?.classList.contains('wire-byte') && event.type === 'mouseleave') return;
    panel.hidden = true;
  };
  panel.addEventListener('mouseleave', away);
  root.addEventListener('focusout', away);
  root.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') panel.hidden = true;
  });
  sift();
}
