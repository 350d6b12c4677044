"""The demo service's one page, readable without script."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #16202c; --soft: #5b6775;
  --line: #e2e6eb; --good: #137a4b; --bad: #b3261e; --good-ground: #e7f5ee; --bad-ground: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --ground: #0f141a; --card: #171e26; --ink: #e8edf2;
  --soft: #9aa7b4; --line: #28323d; --good: #5fd39c; --bad: #ff8a80; --good-ground: #12281e;
  --bad-ground: #331513; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { width: 100%; max-width: 34rem; padding: 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 1rem; }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1.25rem; color: var(--soft); }
.state { display: flex; gap: .75rem; align-items: center; margin: 0 0 1.25rem; padding: .9rem 1rem;
  border-radius: .75rem; font-weight: 600; background: var(--good-ground); color: var(--good); }
.state.broken { background: var(--bad-ground); color: var(--bad); }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0 0 1.5rem; }
form { margin: 0; flex: 1 1 10rem; }
button { width: 100%; padding: .8rem 1rem; border: 1px solid transparent; border-radius: .6rem;
  font: inherit; font-weight: 600; cursor: pointer; }
button:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
.break { background: var(--bad); color: var(--card); }
.repair { background: var(--good); color: var(--card); }
button[disabled] { background: transparent; border-color: var(--line); color: var(--soft);
  cursor: default; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .35rem 1rem; margin: 0;
  border-top: 1px solid var(--line); padding-top: 1.25rem; font-size: .9rem; }
dt { font-family: ui-monospace, monospace; }
dd { margin: 0; color: var(--soft); }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .6rem; } }
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo shop: {title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Welcome to the demo shop</h1>
<p>A small service that the platform watches. Break it, and see what its status page says.</p>
<div class="state{state_class}" role="status"><span aria-hidden="true">{mark}</span>{sentence}</div>
<div class="buttons">
<form method="post" action="/break"><button class="break"{break_off}>Break it</button></form>
<form method="post" action="/repair"><button class="repair"{repair_off}>Repair it</button></form>
</div>
<dl>
<dt>POST /login</dt><dd>name and password in, a token out</dd>
<dt>POST /orders</dt><dd>takes an order from whoever holds a token</dd>
<dt>GET /health</dt><dd>says how the shop is</dd>
</dl>
</main>
</body>
</html>
"""


def render(*, is_broken: bool) -> str:
    """Return the page as HTML."""
    return PAGE.format(
        style=STYLE,
        title="broken" if is_broken else "all is well",
        state_class=" broken" if is_broken else "",
        mark="\u2715" if is_broken else "\u2713",
        sentence="The shop is broken: orders fail." if is_broken else "The shop works.",
        break_off=" disabled" if is_broken else "",
        repair_off="" if is_broken else " disabled",
    )
