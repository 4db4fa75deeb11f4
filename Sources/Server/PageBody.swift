/// What stands on the page.
let pageBody = #"""
  <h1>Major Tom</h1>
  <div id="problem" role="alert"></div>
  <div id="ask" class="row" hidden><label>Key <input id="key" type="password" autocomplete="off"></label><button id="keep">Use the key</button></div>
  <div role="tablist" aria-label="What to do">
  <button role="tab" id="tab-write" aria-controls="write" aria-selected="true">Write</button>
  <button role="tab" id="tab-tag" aria-controls="tag" aria-selected="false" tabindex="-1">Tag</button>
  <button role="tab" id="tab-translate" aria-controls="translate" aria-selected="false" tabindex="-1">Translate</button>
  </div>
  <section role="tabpanel" id="write" aria-labelledby="tab-write">
  <label for="prompt">Begin a text</label><textarea id="prompt" dir="auto" maxlength="16000"></textarea>
  <div class="row"><label>Model <select id="write-model"></select></label>
  <button class="main" id="go">Write</button><button id="stop" disabled>Stop</button>
  <label>Seed <input id="seed" type="text" inputmode="numeric" size="12" placeholder="another each time"></label>
  <button id="share">Copy a link</button>
  <label><input type="checkbox" id="colour"> Show surprise</label></div>
  <div class="out" role="region" id="text" dir="auto" aria-label="The text" tabindex="0"></div>
  <div class="row"><span id="told" role="status"></span></div>
  <details open><summary>How to write</summary><div class="sliders" id="sliders"></div></details>
  </section>
  <section role="tabpanel" id="tag" aria-labelledby="tab-tag" hidden>
  <label for="tag-text">A text to mark</label><textarea id="tag-text" dir="auto" maxlength="16000"></textarea>
  <div class="row"><label>Model <select id="tag-model"></select></label><button class="main" id="tag-go">Tag</button></div>
  <div class="out" role="region" id="tagged" dir="auto" aria-live="polite" aria-label="The marked text" tabindex="0"></div>
  </section>
  <section role="tabpanel" id="translate" aria-labelledby="tab-translate" hidden>
  <label for="source">A text to translate</label><textarea id="source" dir="auto" maxlength="16000"></textarea>
  <div class="row"><label>Model <select id="translate-model"></select></label>
  <label>Beam <input id="beam" type="number" min="1" max="16" value="4" size="3"></label>
  <button class="main" id="translate-go">Translate</button></div>
  <div class="out" role="region" id="translated" dir="auto" aria-live="polite" aria-label="The translation" tabindex="0"></div>
  <div class="wide" id="attention"></div>
  </section>
  """#
