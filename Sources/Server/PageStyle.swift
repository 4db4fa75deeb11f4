/// How the page looks, by day and by night.
let pageStyle = #"""
  :root{color-scheme:light dark;--Ink:#1b1f24;--Paper:#fff;--Soft:#f1f3f6;--Line:#8a929c;--Act:#0b57b0;--On:#fff;--Bad:#a31515}
  @media (prefers-color-scheme:dark){:root{--Ink:#e8eaed;--Paper:#15181c;--Soft:#22272e;--Line:#7d8590;--Act:#8ab8ff;--On:#10151c;--Bad:#ff9a91}}
  *{box-sizing:border-box}[hidden]{display:none!important}
  body{margin:0 auto;max-width:60rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--Ink);background:var(--Paper)}
  h1{font-size:1.3rem;margin:0 0 .5rem}
  [role=tablist]{display:flex;gap:.25rem;border-bottom:2px solid var(--Line);margin-bottom:1rem}
  [role=tab]{border:0;border-radius:.4rem .4rem 0 0;background:none;color:inherit;padding:.5rem 1rem}
  [role=tab][aria-selected=true]{background:var(--Act);color:var(--On)}
  button,select,textarea,input{font:inherit;color:inherit}
  button{cursor:pointer;border:1px solid var(--Line);border-radius:.4rem;background:var(--Soft);padding:.4rem 1rem}
  button.main{background:var(--Act);color:var(--On)}
  button:disabled{opacity:.5;cursor:default}
  :focus-visible{outline:3px solid var(--Act);outline-offset:2px}
  textarea{width:100%;min-height:6rem;padding:.5rem;background:var(--Soft);border:1px solid var(--Line);border-radius:.4rem;resize:vertical}
  select,input[type=text],input[type=password],input[type=number]{background:var(--Soft);border:1px solid var(--Line);border-radius:.4rem;padding:.3rem;max-width:100%}
  .row{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;margin:.6rem 0}
  .sliders{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.6rem 1.5rem;margin:.6rem 0}
  .sliders label{display:block}.sliders input{width:100%}.sliders small{display:block;opacity:.8}
  .out{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--Line);border-radius:.4rem;padding:.7rem;min-height:4rem;margin-top:.6rem}
  .asked{opacity:.75}
  #problem{color:var(--Bad);font-weight:600;min-height:1.5rem}
  mark{border-radius:.25rem;padding:.05rem .2rem;color:#111}
  mark small{font-size:.7rem;margin-inline-start:.3rem}
  table{border-collapse:collapse;font-size:.85rem}.wide{overflow-x:auto}
  td,th{padding:.15rem .3rem;text-align:center;font-weight:400}td{min-width:1.2rem;border:1px solid var(--Soft)}
  tr.on th,th.on{font-weight:700;text-decoration:underline}
  """#
