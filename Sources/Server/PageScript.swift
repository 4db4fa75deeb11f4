/// What the page does: it makes text of all that the server sends, and never markup.
let pageScript = #"""
  'use strict';
  const $ = id => document.getElementById(id);
  const sliders = [
    ['temperature', 'Temperature', 0, 2, 0.05, 0.8, 'Lower is safer, higher more varied; 0 always takes the likeliest.'],
    ['top_p', 'Top-p', 0.05, 1, 0.01, 1, 'Keep the likeliest symbols that reach this probability together.'],
    ['min_p', 'Min-p', 0, 1, 0.01, 0, 'Drop symbols less likely than this part of the likeliest one.'],
    ['repeat_penalty', 'Repetition penalty', 1, 2, 0.01, 1, 'Above 1, what stands there already becomes less likely.'],
    ['max_tokens', 'Length', 10, 4000, 10, 500, 'The most symbols to write.']];
  for (const [name, title, low, high, step, usual, about] of sliders) {
    const label = document.createElement('label'), input = document.createElement('input');
    const value = document.createElement('output'), small = document.createElement('small');
    Object.assign(input, {type: 'range', min: low, max: high, step, value: usual, id: name});
    label.htmlFor = name; small.id = name + '-about'; small.textContent = about;
    input.setAttribute('aria-describedby', small.id);
    const show = () => { value.textContent = ' ' + input.value; };
    input.addEventListener('input', show); show();
    label.append(title, value, input, small); $('sliders').append(label);
  }
  let key = sessionStorage.getItem('key') || '', cancel = null, isWriting = false;
  function problem(text) { $('problem').textContent = text || ''; }
  async function ask(path, body, signal) {
    const options = {method: body ? 'POST' : 'GET', headers: {}, signal};
    if (key) options.headers.Authorization = 'Bearer ' + key;
    if (body) { options.headers['Content-Type'] = 'application/json'; options.body = JSON.stringify(body); }
    const answer = await fetch(path, options);
    if (answer.ok) return answer;
    let told = 'The server answered ' + answer.status + '.';
    try { told = (await answer.json()).error.message; } catch {}
    if (answer.status === 401) { $('ask').hidden = false; $('key').focus(); }
    throw new Error(told);
  }
  function tell(error) {
    if (error.name === 'AbortError') return;
    problem(error instanceof TypeError ? 'The server does not answer.' : error.message);
  }
  async function models() {
    const found = (await (await ask('v1/models')).json()).data;
    for (const [id, kind] of [['write', 'language-model'], ['tag', 'tagger'], ['translate', 'translator']]) {
      const select = $(id + '-model'); select.replaceChildren();
      for (const model of found.filter(m => m.kind === kind && !m.backwards)) select.append(new Option(model.id, model.id));
      select.disabled = !select.options.length;
      $(id === 'write' ? 'go' : id + '-go').disabled = select.disabled;
    }
    $('go').disabled ||= isWriting;
    fromLink();
  }
  async function limits() {
    // The slider goes no further than this server does.
    const body = (await (await ask('openapi.json')).json()).paths['/v1/completions'].post.requestBody;
    const most = body.content['application/json'].schema.properties.max_tokens.maximum;
    if (most >= 4000) return;
    $('max_tokens').min = 1; $('max_tokens').step = 1; $('max_tokens').max = most;
    $('max_tokens').dispatchEvent(new Event('input'));
  }
  async function* events(answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      const parts = (rest + value).split('\n\n'); rest = parts.pop();
      for (const part of parts) {
        const data = part.replace(/^data: /, '');
        if (data === '[DONE]') return;
        const event = JSON.parse(data);
        if (event.error) throw new Error(event.error.message);
        yield event;
      }
    }
  }
  async function write() {
    const typed = $('seed').value.trim();
    if (!Number.isSafeInteger(Number(typed))) return problem('The seed must be a whole number of at most 15 digits.');
    problem(); cancel = new AbortController(); isWriting = true;
    const body = {model: $('write-model').value, prompt: $('prompt').value, stream: true};
    for (const [name] of sliders) body[name] = Number($(name).value);
    if (typed) body.seed = Number(typed);
    const asked = document.createElement('span'); asked.className = 'asked'; asked.textContent = body.prompt;
    const written = document.createElement('span'); $('text').replaceChildren(asked, written);
    $('go').disabled = true; $('stop').disabled = false; $('told').textContent = 'Writing…';
    let seed = null, waiting = '', timer = 0, rested = performance.now();
    const show = () => { written.append(waiting); waiting = ''; timer = 0; };
    try {
      for await (const event of events(await ask('v1/completions', body, cancel.signal))) {
        seed = event.seed;
        if (event.choices.length) waiting += event.choices[0].text;
        // A fast model writes more than a browser can lay out, or hear clicks beside.
        timer ||= setTimeout(show, 30);
        if (performance.now() - rested > 30) {
          await new Promise(rest => setTimeout(rest)); rested = performance.now();
        }
      }
      $('told').textContent = 'Done, with seed ' + seed + '.';
    } catch (error) {
      $('told').textContent = error.name === 'AbortError' ? 'Stopped.' : '';
      tell(error);
    }
    clearTimeout(timer); show();
    $('go').disabled = false; $('stop').disabled = true; isWriting = false;
    if (seed !== null) $('text').dataset.seed = seed;
    if ($('colour').checked) colour();
  }
  async function colour() {
    // What is being written is coloured when it is finished.
    if (isWriting) return;
    const text = $('text').textContent;
    if (!$('colour').checked) { $('text').textContent = text; return; }
    if (!text) return;
    try {
      const found = await (await ask('v1/surprise', {model: $('write-model').value, text})).json();
      // Tokens that are bytes of a character stand together.
      const bytes = []; const bits = [];
      for (const token of found.tokens) {
        const raw = token.text.startsWith('bytes:\\x')
          ? token.text.slice(6).match(/\\x(..)/g).map(x => parseInt(x.slice(2), 16))
          : [...new TextEncoder().encode(token.text)];
        for (const byte of raw) { bytes.push(byte); bits.push(token.bits); }
      }
      const whole = document.createDocumentFragment();
      for (let at = 0; at < bytes.length;) {
        let end = at + 1;
        while (end < bytes.length && (bytes[end] & 0xC0) === 0x80) end++;
        const span = document.createElement('span');
        span.textContent = new TextDecoder().decode(new Uint8Array(bytes.slice(at, end)));
        if (bits[at] !== null) {
          span.style.background = 'hsl(' + Math.max(0, 120 - 15 * bits[at]) + ' 80% 50% / 35%)';
          span.title = bits[at].toFixed(2) + ' bits';
        }
        whole.append(span); at = end;
      }
      if (isWriting || $('text').textContent !== text) return;
      if (whole.textContent !== text) throw new Error('This model has no symbols for all of this text, and cannot colour it.');
      $('text').replaceChildren(whole);
    } catch (error) { tell(error); }
  }
  const hue = name => [...name].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);
  async function tag() {
    problem();
    try {
      const found = await (await ask('v1/tag', {model: $('tag-model').value, text: $('tag-text').value})).json();
      const whole = document.createDocumentFragment(); let at = 0;
      for (const item of found.items) {
        whole.append(found.text.slice(at, item.utf16[0]));
        const mark = document.createElement('mark'), small = document.createElement('small');
        const sure = Math.round(item.confidence * 100) + ' %';
        mark.textContent = item.text; small.textContent = item.type + ' ' + sure;
        mark.style.background = 'hsl(' + hue(item.type) + ' 80% ' + (92 - 25 * item.confidence) + '%)';
        mark.append(small); whole.append(mark); at = item.utf16[1];
      }
      whole.append(found.text.slice(at)); $('tagged').replaceChildren(whole);
      if (!found.items.length) $('tagged').append(' (nothing was found)');
    } catch (error) { tell(error); }
  }
  function matrix(found) {
    const table = document.createElement('table'), head = table.createTHead().insertRow();
    const caption = table.createCaption(); caption.textContent = 'What each symbol written looked at';
    const cell = (row, text) => {
      const th = document.createElement('th'); th.textContent = text === ' ' ? '␣' : text;
      th.scope = row === head ? 'col' : 'row'; row.append(th); return th;
    };
    cell(head, '');
    const read = [...found.read, '⏹'].map(text => cell(head, text));
    const body = table.createTBody();
    found.attention.forEach((weights, number) => {
      const row = body.insertRow(); cell(row, found.written[number] ?? '⏹');
      weights.forEach((weight, column) => {
        const td = row.insertCell();
        td.style.background = 'hsl(215 80% 50% / ' + Math.round(weight * 100) + '%)';
        td.title = Math.round(weight * 100) + ' %';
        const on = flag => { row.classList.toggle('on', flag); read[column]?.classList.toggle('on', flag); };
        td.onmouseenter = () => on(true); td.onmouseleave = () => on(false);
      });
    });
    return table;
  }
  async function translate() {
    problem();
    try {
      const beam = Math.min(16, Math.max(1, Number($('beam').value) || 1));
      const text = $('source').value;
      // Of long texts nobody could read it.
      const attention = text.length <= 600;
      const body = {model: $('translate-model').value, text, beam, attention};
      const found = await (await ask('v1/translate', body)).json();
      const best = found.lines.map(line => line.translations[0]);
      $('translated').textContent = best.map(line => line ? line.text : '').join('\n');
      $('attention').replaceChildren(...best.filter(line => line && line.attention && line.attention.length).map(matrix));
    } catch (error) { tell(error); }
  }
  const tabs = [...document.querySelectorAll('[role=tab]')];
  function choose(tab, focus) {
    for (const other of tabs) {
      const on = other === tab;
      other.setAttribute('aria-selected', on); other.tabIndex = on ? 0 : -1;
      $(other.getAttribute('aria-controls')).hidden = !on;
    }
    if (focus) tab.focus();
  }
  tabs.forEach((tab, place) => {
    tab.onclick = () => choose(tab);
    tab.onkeydown = event => {
      const next = {ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1}[event.key];
      if (next === undefined) return;
      event.preventDefault(); choose(tabs[(next + tabs.length) % tabs.length], true);
    };
  });
  $('go').onclick = write; $('stop').onclick = () => cancel?.abort();
  $('tag-go').onclick = tag; $('translate-go').onclick = translate; $('colour').onchange = colour;
  for (const [area, act] of [['prompt', 'go'], ['tag-text', 'tag-go'], ['source', 'translate-go']]) {
    $(area).addEventListener('keydown', event => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $(act).click();
    });
  }
  $('share').onclick = async () => {
    const seed = $('seed').value || $('text').dataset.seed || '';
    const parts = new URLSearchParams({prompt: $('prompt').value, seed, 'write-model': $('write-model').value});
    for (const [name] of sliders) parts.set(name, $(name).value);
    location.hash = parts;
    try { await navigator.clipboard.writeText(location.href); $('told').textContent = 'The link is copied.'; }
    catch { $('told').textContent = 'The link is in the address line.'; }
  };
  $('keep').onclick = () => {
    key = $('key').value.trim(); sessionStorage.setItem('key', key); $('ask').hidden = true; problem();
    models().catch(tell);
  };
  $('key').onkeydown = event => { if (event.key === 'Enter') $('keep').click(); };
  function fromLink() {
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      const isModel = name === 'write-model' && [...$(name).options].some(option => option.value === value);
      if (isModel || ['prompt', 'seed'].includes(name) || sliders.some(row => row[0] === name)) {
        $(name).value = value; $(name).dispatchEvent(new Event('input'));
      }
    }
  }
  addEventListener('hashchange', fromLink);
  limits().catch(() => {}).then(models).catch(tell);
  """#
