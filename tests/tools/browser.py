#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: ISC
"""Lead a real Chromium, without a screen, through what a person does on a page.

usage: browser.py ROOT SHOTS <STEPS

ROOT is the directory of a Debian with chromium-headless-shell, which is run in it as an ordinary user; pictures go to
SHOTS. Each line of STEPS is a step, in words as a shell has them; a line that begins with "#" is none:

  size WIDTH HEIGHT        of the window, in pixels of CSS; at most 500 wide it is a phone's
  scheme light|dark        what the person prefers
  open URL                 go there
  reload                   load it again
  fill SECTION LABEL TEXT  write into the field with this label; for one with a choice, choose
  tick SECTION LABEL       set or take away a tick
  press SECTION BUTTON     click on it with the mouse, and wait for the page that comes
  sees REGEX               the person reads this now
  misses REGEX             and not this
  fits                     nothing is wider than the window, and all there is to touch is at least 44 pixels high
  runs OUTPUT COMMAND...   meanwhile, this program is run beside the browser, and says that
  shot NAME                take a picture of the window, NAME.png
  whole NAME               the same of the whole page

SECTION is what the heading of a part of the page begins with. Exits 1 at the first step that fails, and says which; and at
the end where the browser has found anything to complain about, as what the page's policy forbids.
"""
import base64
import json
import os
import re
import shlex
import signal
import subprocess
import sys

LIMIT_S = 900

FIND = """(() => {
    const part = [...document.querySelectorAll('section')].find(
        (part) => part.querySelector('h2').innerText.trim().startsWith(%s));
    if (!part) throw new Error('no such part of the page');
    return part;
})()"""
FIELD = """(() => {
    const label = [...%s.querySelectorAll('label')].find((label) => label.innerText.trim() === %s);
    if (!label || !label.control) throw new Error('no field with such a label');
    label.control.scrollIntoView({block: 'center'});
    return label.control;
})()"""
BUTTON = """(() => {
    const button = [...%s.querySelectorAll('button')].find((button) => button.innerText.trim() === %s);
    if (!button) throw new Error('no such button');
    button.scrollIntoView({block: 'center'});
    return button;
})()"""
WHERE = """(() => {
    const box = %s.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
})()"""
UNFIT = """(() => {
    const unfit = [];
    if (document.documentElement.scrollWidth > innerWidth) unfit.push('the page is wider than the window');
    for (const element of document.querySelectorAll('button, select, summary, label:has(input), input:not([type=hidden])'))
        if (element.type !== 'checkbox' && element.getBoundingClientRect().height < 44)
            unfit.push(element.outerHTML + ' is too low to touch');
    return unfit.join('; ');
})()"""


class Failure(Exception):
    pass


class Browser:
    """The protocol of Chromium's developer tools, over a pipe: JSON texts, each with a NUL behind it."""

    def __init__(self, root):
        to_read, self.to = os.pipe()
        self.come, to_write = os.pipe()
        self.buffer = b""
        self.number = 0
        self.events = []
        self.complaints = []

        def plug():
            # 3 and 4 are what Chromium reads from and writes to.
            spare = os.dup(to_write), os.dup(to_read)
            os.dup2(spare[1], 3)
            os.dup2(spare[0], 4)

        command = ["chroot", "--userspec=65534:65534", root, "env", "-i", "PATH=/usr/bin:/bin", "HOME=/tmp", "TZ=UTC",
                   "chromium-headless-shell", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
                   "--disable-dev-shm-usage", "--ignore-certificate-errors", "--user-data-dir=/tmp/chromium", "about:blank"]
        self.process = subprocess.Popen(command, preexec_fn=plug, close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.session = None
        pages = [target for target in self.call("Target.getTargets")["targetInfos"] if target["type"] == "page"]
        target = pages[0]["targetId"] if pages else self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime"):
            self.call(domain + ".enable")

    def receive(self):
        while b"\0" not in self.buffer:
            more = os.read(self.come, 65536)
            if not more:
                raise Failure("the browser has ended")
            self.buffer += more
        text, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(text)
        if message.get("method") == "Log.entryAdded":
            entry = message["params"]["entry"]
            # That a page is an error is seen by the person as well.
            if entry["source"] != "network":
                self.complaints.append(entry["text"])
        return message

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            got = self.receive()
            if got.get("id") == self.number:
                if "error" in got:
                    raise Failure(f"{method}: {got['error']['message']}")
                return got["result"]
            self.events.append(got)

    def wait_for(self, event):
        while True:
            for at, got in enumerate(self.events):
                if got.get("method") == event:
                    del self.events[:at + 1]
                    return
            self.events.append(self.receive())

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise Failure(result["exceptionDetails"]["exception"]["description"].split("\n")[0])
        return result["result"].get("value")


class Person:
    def __init__(self, browser, shots):
        self.browser = browser
        self.shots = shots
        self.width = self.height = 0

    def size(self, width, height):
        self.width, self.height = int(width), int(height)
        phone = self.width <= 500
        self.browser.call("Emulation.setDeviceMetricsOverride", width=self.width, height=self.height,
                          deviceScaleFactor=2 if phone else 1, mobile=phone)

    def scheme(self, name):
        self.browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def open(self, url):
        self.browser.events.clear()
        result = self.browser.call("Page.navigate", url=url)
        if "errorText" in result:
            raise Failure(result["errorText"])
        self.browser.wait_for("Page.loadEventFired")

    def reload(self):
        self.browser.events.clear()
        self.browser.call("Page.reload")
        self.browser.wait_for("Page.loadEventFired")

    def element(self, kind, section, name):
        return kind % (FIND % json.dumps(section), json.dumps(name))

    def click(self, element):
        x, y = self.browser.evaluate(WHERE % element)
        for what in ("mousePressed", "mouseReleased"):
            self.browser.call("Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", clickCount=1)

    def fill(self, section, label, text):
        field = self.element(FIELD, section, label)
        if self.browser.evaluate(field + ".tagName") == "SELECT":
            self.browser.evaluate(f"{field}.value = {json.dumps(text)}")
            return
        self.click(field)
        self.browser.evaluate(field + ".select()")
        self.browser.call("Input.insertText", text=text)

    def tick(self, section, label):
        self.click(self.element(FIELD, section, label))

    def press(self, section, name):
        self.browser.events.clear()
        self.click(self.element(BUTTON, section, name))
        self.browser.wait_for("Page.loadEventFired")

    def text(self):
        return self.browser.evaluate("document.body.innerText")

    def sees(self, regex):
        if not re.search(regex, self.text()):
            raise Failure("the page says:\n" + self.text())

    def misses(self, regex):
        if re.search(regex, self.text()):
            raise Failure("the page says:\n" + self.text())

    def fits(self):
        unfit = self.browser.evaluate(UNFIT)
        if unfit:
            raise Failure(unfit)

    def runs(self, output, *command):
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True).stdout.strip()
        if said != output:
            raise Failure("it says: " + said)

    def save(self, name, **how):
        picture = self.browser.call("Page.captureScreenshot", **how)["data"]
        with open(os.path.join(self.shots, name + ".png"), "wb") as file:
            file.write(base64.b64decode(picture))

    def shot(self, name):
        self.browser.evaluate("scrollTo(0, 0)")
        self.save(name)

    def whole(self, name):
        self.browser.evaluate("scrollTo(0, 0)")
        self.save(name, captureBeyondViewport=True)


def main():
    root, shots = sys.argv[1:]
    signal.alarm(LIMIT_S)
    browser = Browser(root)
    person = Person(browser, shots)
    step = "the start"
    try:
        for step in sys.stdin.read().splitlines():
            words = shlex.split(step, comments=True)
            if words:
                getattr(person, words[0])(*words[1:])
        step = "the end"
        if browser.complaints:
            raise Failure("the browser complains: " + "; ".join(browser.complaints))
    except Failure as failure:
        print(f"{step}: {failure}")
        sys.exit(1)
    finally:
        browser.process.kill()
        browser.process.wait()


main()
