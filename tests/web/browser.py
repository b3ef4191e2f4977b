"""A headless Chromium for tests: everything that it does by itself over the network is switched off."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

if TYPE_CHECKING:
    from pathlib import Path

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--hide-scrollbars",
)
_LONGEST_SECONDS = 30


class Browser:
    """One window, and what went wrong in it."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or "chromium"
        for argument in (*_ARGUMENTS, f"--user-data-dir={profile}", "--window-size=1500,1000"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(_LONGEST_SECONDS)

    def open(self, url: str, *, scheme: str = "light") -> Browser:
        """Loads the page, and waits until all of it is drawn; what the page before complained of is forgotten."""
        self.driver.get("about:blank")
        self.complaints()
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.driver.get(url)
        self.wait(lambda: self.run("return document.documentElement.dataset.ready"))
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, holds: Any) -> Any:
        """What `holds` gives, once that is true."""
        deadline = time.monotonic() + _LONGEST_SECONDS
        while not (found := holds()):
            assert time.monotonic() < deadline, "the page did not come to this"
            time.sleep(0.05)
        return found

    def drawn_anew(self, act: Any) -> None:
        """Does something that makes the page ask again, and waits until it has."""
        before = self.run("return document.documentElement.dataset.ready")
        act()
        self.wait(lambda: self.run("return document.documentElement.dataset.ready") != before)

    def choose(self, field: str, text: str) -> None:
        """As a person would: an entry of a list."""
        script = (
            "const field = document.getElementById(arguments[0]);"
            "field.selectedIndex = [...field.options].findIndex((each) => each.text === arguments[1]);"
            "field.dispatchEvent(new Event('change'));"
        )
        self.drawn_anew(lambda: self.run(script, field, text))

    def press(self, key: str) -> None:
        """A key, where the focus is."""
        self.driver.switch_to.active_element.send_keys(key)

    def texts(self, selector: str) -> list[str]:
        return [each.text for each in self.driver.find_elements(By.CSS_SELECTOR, selector)]

    def rows(self, view: str) -> list[list[str]]:
        """The cells of a view's table, without its total."""
        script = (
            "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]"
            ".map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
        )
        return self.run(script, view)

    def total(self, view: str) -> list[str]:
        return self.texts(f"#{view} tfoot tr > *")

    def complaints(self) -> list[str]:
        """What the console said since this was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def asked(self) -> list[str]:
        """Every address that was requested since this was last asked."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [each["params"]["request"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        return [request["url"] for request in sent]

    def picture(self, path: Path, width: int, height: int) -> None:
        self.driver.set_window_size(width, height)
        time.sleep(0.5)  # charts follow the width a frame later
        self.driver.save_screenshot(str(path))
        self.driver.set_window_size(1500, 1000)

    def close(self) -> None:
        self.driver.quit()
