"""The page of `majortom serve` in a browser without a window (Debian's chromium and chromium-driver).

Usage: page.py MAJORTOM     (needs PyPI's selenium)
"""
import pathlib
import re
import subprocess
import sys
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

fixtures = pathlib.Path(__file__).resolve().parent.parent / "GoldenTests/Fixtures/version-1"
arguments = [sys.argv[1], "serve", "--log", "none", "-p", "0"]
for name in ("lm", "tagger", "translator"):
    arguments += ["-m", str(fixtures / f"{name}.safetensors")]
server = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
base = re.search(r" at (\S+?)[,;]", server.stderr.readline()).group(1)

options = webdriver.ChromeOptions()
for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--window-size=360,800"):
    options.add_argument(option)
options.binary_location = "/usr/bin/chromium"
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))


def until(condition, what):
    end = time.time() + 60
    while time.time() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"never: {what}; {browser.get_log('browser')}")


def find(name):
    return browser.find_element(By.ID, name)


def enter(name, text):
    find(name).clear()
    find(name).send_keys(text)


def slide(name, value):
    browser.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))",
        find(name), value)


try:
    browser.get(base + "/")
    until(lambda: find("write-model").get_attribute("value") == "lm", "the models are there")
    # Nothing is wider than a phone.
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= browser.execute_script("return innerWidth"), width
    unnamed = browser.execute_script("""
        return [...document.querySelectorAll('input,select,textarea,button')].filter(
          e => !(e.labels?.length || e.textContent.trim() || e.ariaLabel)).map(e => e.id)""")
    assert unnamed == [], unnamed

    hostile = "<b onclick=alert(1)>x</b><script>document.title='bad'</script>"
    enter("prompt", hostile)
    enter("seed", "7")
    slide("max_tokens", 60)
    find("go").click()
    until(lambda: "seed 7" in find("told").text, "a text is written")
    text = find("text").get_attribute("textContent")
    assert text.startswith(hostile) and len(text) > len(hostile) + 30, text
    assert browser.title == "Major Tom" and not find("text").find_elements(By.TAG_NAME, "b")
    find("go").click()
    until(lambda: "seed 7" in find("told").text, "it is written again")
    assert find("text").get_attribute("textContent") == text

    find("colour").click()
    until(lambda: len(find("text").find_elements(By.CSS_SELECTOR, "span[title]")) > 50, "surprise")
    assert find("text").get_attribute("textContent") == text
    find("colour").click()

    slide("max_tokens", 4000)
    enter("prompt", "שלום")
    find("go").click()
    until(lambda: len(find("text").get_attribute("textContent")) > 30, "it streams")
    find("stop").click()
    until(lambda: find("told").text == "Stopped.", "it stops")
    assert find("text").get_attribute("dir") == "auto"
    find("share").click()
    until(lambda: "seed=7" in browser.current_url, "a link")

    find("tab-write").send_keys(Keys.ARROW_RIGHT)
    assert find("tag").is_displayed() and not find("write").is_displayed()
    enter("tag-text", "Ann <i>met</i> Major Tom.")
    find("tag-text").send_keys(Keys.CONTROL, Keys.ENTER)
    until(lambda: find("tagged").find_elements(By.TAG_NAME, "mark"), "spans are marked")
    assert not find("tagged").find_elements(By.TAG_NAME, "i")

    find("tab-tag").send_keys(Keys.ARROW_RIGHT)
    enter("source", "one")
    find("translate-go").click()
    until(lambda: find("attention").find_elements(By.TAG_NAME, "td"), "attention")
    assert find("translated").text

    server.kill()
    server.wait()
    find("translate-go").click()
    until(lambda: find("problem").text == "The server does not answer.", "a broken server is told")
    broken = [entry for entry in browser.get_log("browser")
              if entry["level"] == "SEVERE" and "ERR_CONNECTION_REFUSED" not in entry["message"]]
    assert broken == [], broken
    print("the page: right")
finally:
    browser.quit()
    server.kill()
