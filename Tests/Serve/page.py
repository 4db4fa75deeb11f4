"""The page of `majortom serve` in a browser without a window (Debian's chromium and chromium-driver).

Usage: page.py MAJORTOM     (needs PyPI's selenium)
"""
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from server import Server, models

tool = sys.argv[1]

options = webdriver.ChromeOptions()
for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--window-size=360,800"):
    options.add_argument(option)
options.binary_location = "/usr/bin/chromium"
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))

# The least contrast (WCAG 2.1) of any text that is seen, with the element that has it.
CONTRAST = """
const parse = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const over = ([r, g, b, a = 1], under) => [r, g, b].map((value, n) => value * a + under[n] * (1 - a));
const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
const ground = e => e ? over(parse(getComputedStyle(e).backgroundColor), ground(e.parentElement))
  : over(parse(getComputedStyle(document.body).backgroundColor), [255, 255, 255]);
let least = [99, ''];
for (const e of document.querySelectorAll('body *')) {
  const hasText = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())
    || ['TEXTAREA', 'INPUT', 'SELECT'].includes(e.tagName);
  if (!hasText || !e.checkVisibility() || e.disabled) continue;
  const below = ground(e);
  let ink = over(parse(getComputedStyle(e).color), below);
  for (let p = e; p; p = p.parentElement) {
    const part = Number(getComputedStyle(p).opacity);
    ink = ink.map((v, n) => v * part + below[n] * (1 - part));
  }
  const [a, b] = [light(ink), light(below)].sort((x, y) => y - x);
  const contrast = (a + 0.05) / (b + 0.05);
  if (contrast < least[0]) least = [contrast, e.outerHTML.slice(0, 200)];
}
return least;
"""


def until(condition, what):
    end = time.time() + 60
    while time.time() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"never: {what}; {browser.get_log('browser')}; problem: {find('problem').text!r}")


def find(name):
    return browser.find_element(By.ID, name)


def text(name="text"):
    return find(name).get_attribute("textContent")


def enter(name, text):
    find(name).clear()
    find(name).send_keys(text)


def slide(name, value):
    browser.execute_script(
        "arguments[0].max = Math.max(arguments[0].max, arguments[1]); arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))",
        find(name), value)


def visit(server, rest=""):
    browser.get("about:blank")
    browser.get(server.base + "/" + rest)
    until(lambda: find("write-model").get_attribute("value") == "lm", "the models are there")


def written(seed):
    find("go").click()
    until(lambda: find("told").text == f"Done, with seed {seed}.", "a text is written")
    return text()


def check_look(what):
    """Nothing is wider than a phone, and all is read by day and by night."""
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= browser.execute_script("return innerWidth"), (what, width)
    for scheme in ("light", "dark"):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        contrast, element = browser.execute_script(CONTRAST)
        assert contrast >= 4.5, (what, scheme, contrast, element)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def controls_have_names(server):
    visit(server)
    unnamed = browser.execute_script("""
        return [...document.querySelectorAll('input,select,textarea,button')].filter(
          e => !(e.labels?.length || e.textContent.trim() || e.ariaLabel)).map(e => e.id)""")
    assert unnamed == [], unnamed
    assert browser.execute_script("return innerWidth") <= 500
    # What a screen reader is told: every control and every place of results has a role and a name.
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    told = {(node["role"]["value"], node["name"]["value"]) for node in tree if "name" in node and not node["ignored"]}
    for pair in (("textbox", "Begin a text"), ("button", "Write"), ("tab", "Tag"), ("tablist", "What to do"),
                 ("region", "The text"), ("checkbox", "Show surprise"), ("combobox", "Model")):
        assert pair in told, (pair, told)
    assert any(role == "slider" and name.startswith("Temperature") for role, name in told), told
    check_look("at first")


def it_writes(server):
    visit(server)
    hostile = "<b onclick=alert(1)>x</b><script>document.title='bad'</script>&amp;"
    enter("prompt", hostile)
    enter("seed", "7")
    slide("max_tokens", 60)
    found = written(7)
    assert found.startswith(hostile) and len(found) > len(hostile) + 30, found
    assert browser.title == "Major Tom" and not find("text").find_elements(By.TAG_NAME, "b")
    assert written(7) == found
    # Surprise has many colours, and changes nothing of the text.
    find("colour").click()
    spans = lambda: find("text").find_elements(By.CSS_SELECTOR, "span[title]")
    until(lambda: len(spans()) > 50, "surprise")
    assert text() == found
    assert len({span.value_of_css_property("background-color") for span in spans()}) > 5
    assert spans()[3].get_attribute("title").endswith(" bits")
    check_look("surprise")
    find("colour").click()
    until(lambda: not spans(), "colours go away")
    find("seed").clear()
    find("seed").send_keys("x")
    find("go").click()
    until(lambda: "whole number" in find("problem").text, "a seed that is none is told")
    # A link brings it all back, and the same text, also where the server chose the seed.
    slide("temperature", 0.45)
    find("seed").clear()
    find("go").click()
    until(lambda: find("told").text.startswith("Done") and text() != found, "a text is written")
    found, seed = text(), find("told").text.split()[-1].rstrip(".")
    find("share").click()
    until(lambda: f"seed={seed}&" in browser.current_url and "write-model=lm" in browser.current_url, "a link")
    visit(server, browser.current_url.split("/", 3)[3])
    assert find("prompt").get_attribute("value") == hostile
    assert find("temperature").get_attribute("value") == "0.45"
    assert written(seed) == found


def it_streams_and_stops(server):
    visit(server)
    slide("max_tokens", 1_000_000)
    enter("prompt", "שלום")
    find("go").click()
    until(lambda: len(text()) > 30, "it streams")
    # Surprise waits for the end of the text.
    find("colour").click()
    length = len(text())
    until(lambda: len(text()) > length + 50, "it goes on")
    find("stop").click()
    until(lambda: find("told").text == "Stopped.", "it stops")
    until(lambda: find("text").find_elements(By.CSS_SELECTOR, "span[title]"), "surprise")
    assert find("go").is_enabled() and not find("stop").is_enabled()
    for name in ("prompt", "text"):
        assert browser.execute_script("return arguments[0].matches(':dir(rtl)')", find(name)), name


def by_keyboard_alone(server):
    visit(server)
    keys = lambda *keys: ActionChains(browser).send_keys(*keys).perform()
    focus = lambda: browser.switch_to.active_element.get_attribute("id")
    keys(Keys.TAB)
    assert focus() == "tab-write", focus()
    ring = browser.switch_to.active_element.value_of_css_property("outline-width")
    assert ring == "3px", ring
    keys(Keys.TAB)
    assert focus() == "prompt", focus()
    keys("Day 1")
    for _ in range(8):
        if focus() == "go":
            break
        keys(Keys.TAB)
    assert focus() == "go"
    keys(Keys.ENTER)
    until(lambda: find("told").text.startswith("Done"), "a text is written")
    browser.execute_script("document.activeElement.blur(); document.getElementById('tab-write').focus()")
    keys(Keys.ARROW_LEFT)
    assert focus() == "tab-translate" and find("translate").is_displayed()
    keys(Keys.HOME, Keys.ARROW_RIGHT)
    assert focus() == "tab-tag" and find("tag").is_displayed() and not find("write").is_displayed()
    keys(Keys.TAB, "Ann <i>met</i> Major Tom.")
    ActionChains(browser).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    until(lambda: find("tagged").find_elements(By.TAG_NAME, "mark"), "spans are marked")


def it_tags_and_translates(server):
    visit(server)
    find("tab-tag").click()
    enter("tag-text", "Ann <i>met</i> Major Tom in קיסריה.")
    find("tag-go").click()
    until(lambda: find("tagged").find_elements(By.TAG_NAME, "mark"), "spans are marked")
    assert not find("tagged").find_elements(By.TAG_NAME, "i")
    marks = find("tagged").find_elements(By.TAG_NAME, "mark")
    assert all(mark.text.endswith(" %") for mark in marks), [mark.text for mark in marks]
    check_look("tagging")
    find("tab-translate").click()
    enter("source", "one <u>two</u>")
    find("translate-go").click()
    cells = lambda: find("attention").find_elements(By.TAG_NAME, "td")
    until(cells, "attention")
    assert text("translated") and not find("translated").find_elements(By.TAG_NAME, "u")
    # What a cell is about stands out while the mouse is over it.
    cell = cells()[2]
    ActionChains(browser).scroll_to_element(cell).move_to_element(cell).perform()
    on = lambda: find("attention").find_elements(By.CSS_SELECTOR, "tr.on, th.on")
    until(lambda: len(on()) == 2, "a row and a column stand out")
    assert cell.get_attribute("title").endswith(" %")
    ActionChains(browser).move_to_element(find("source")).perform()
    until(lambda: not on(), "they no longer do")
    check_look("translating")


def a_key_is_asked_for():
    with tempfile.NamedTemporaryFile("w") as key:
        key.write("secret\n")
        key.flush()
        with Server(tool, "--api-key-file", key.name) as server:
            browser.get(server.base + "/")
            until(lambda: find("key").is_displayed(), "the key is asked for")
            enter("key", "wrong")
            find("keep").click()
            until(lambda: "key is needed" in find("problem").text and find("key").is_displayed(), "a wrong key is told")
            check_look("a key")
            find("key").clear()
            find("key").send_keys("secret", Keys.ENTER)
            until(lambda: find("write-model").get_attribute("value") == "lm", "the models are there")
            assert not find("key").is_displayed() and find("problem").text == ""
            slide("max_tokens", 20)
            enter("seed", "3")
            written(3)


def limits_are_those_of_the_server():
    with Server(tool, "--max-length", "50", models=models[:1]) as server:
        visit(server)
        until(lambda: find("max_tokens").get_attribute("max") == "50", "the slider ends there")
        enter("seed", "3")
        written(3)
        # What nothing can be done with cannot be asked for.
        find("tab-tag").click()
        assert not find("tag-go").is_enabled()


def a_server_that_breaks():
    with Server(tool, "--max-length", "1000000") as server:
        visit(server)
        slide("max_tokens", 1_000_000)
        find("go").click()
        until(lambda: len(text()) > 30, "it streams")
        server.process.kill()
        server.process.wait()
        until(lambda: find("problem").text == "The server does not answer.", "a server that breaks off is told")
        assert len(text()) > 30 and find("go").is_enabled()
        find("tab-translate").click()
        enter("source", "one")
        find("translate-go").click()
        until(lambda: find("problem").text == "The server does not answer.", "a broken server is told")
    broken = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"
              and not any(word in entry["message"] for word in ("ERR_CONNECTION_REFUSED", "401", "ERR_INCOMPLETE"))]
    assert broken == [], broken


try:
    with Server(tool, "--max-length", "1000000", "--max-prompt", "1000000") as server:
        for test in (controls_have_names, it_writes, it_streams_and_stops, by_keyboard_alone, it_tags_and_translates):
            test(server)
            print(f"{test.__name__}: right", flush=True)
    for test in (a_key_is_asked_for, limits_are_those_of_the_server, a_server_that_breaks):
        test()
        print(f"{test.__name__}: right", flush=True)
finally:
    browser.quit()
