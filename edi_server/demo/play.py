"""The demo, act by act."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from edi_server import paper
from edi_server.demo import closing
from edi_server.demo.partner import contrl_for
from edi_server.demo.plant import DemoPlant, NotHappened
from edi_server.demo.watching import Seen, Watching, waiting
from edi_server.desk import warehouse
from edi_server.desk.actions import Desk
from edi_server.desk.actors import Actor
from edi_server.desk.presence import find_sandbox
from edi_server.errors import EdiServerError
from edi_server.samples import SAMPLES, Sample
from edi_server.store import Document, Interchange

DESPATCH = "nordmarkt/despatch-out"
#: Whose goods leave, and who acknowledges the advice.
ORDER, PARTNER = "4500012345", "nordmarkt"
T = TypeVar("T")
VISITOR = Actor(name="demo", role="operator")


class Play:
    """One run."""

    def __init__(self, folder: Path) -> None:
        self._console = paper.out()
        self._began = time.monotonic()
        self._folder = folder
        self._plant = DemoPlant(folder)

    def run(self) -> int:
        """All acts; 0 if everything came out as it should."""
        try:
            with ExitStack() as stack:
                with waiting(self._console, "starting the daemon with an embedded Odoo stand-in"):
                    stack.enter_context(self._plant)
                desk = stack.enter_context(Desk.open(self._plant.configuration))
                problems = self._acts(desk)
        except EdiServerError as error:
            return self._break_off(error)
        return self._end(problems)

    def _acts(self, desk: Desk) -> list[str]:
        self._desk = desk
        self._seen = Seen(desk.store)
        self._watching = Watching(self._console, desk.store)
        page = find_sandbox(self._plant.data)
        self._say(f"The daemon is running. What arrives in the Odoo stand-in is shown at {page}")
        for sample in SAMPLES:
            self._hand_in(sample)
        advice = self._ship()
        self._stay_silent(advice)
        self._acknowledge(advice)
        return closing.show(self._console, desk, self._plant)

    # the acts

    def _hand_in(self, sample: Sample) -> None:
        self._title(f"{sample.mailbox} drops {sample.name}: {sample.shows}")
        self._plant.drop(sample.mailbox, sample.name, sample.content)
        came = self._until(lambda: self._seen.inbound(sample.name), f"{sample.name} is taken from the mailbox")
        assert came is not None  # `_until` ends with a result
        self._until(lambda: self._seen.is_settled(came), f"{sample.name} is opened, posted and answered")

    def _ship(self) -> Document:
        self._title(f"At the warehouse the goods of order {ORDER} leave; the schedule of {DESPATCH} looks for them")
        left = warehouse.validate(self._plant.configuration, ORDER)
        self._say(f"delivery {', '.join(left)} is done in Odoo")
        self._desk.run_schedule(DESPATCH, actor=VISITOR)
        [advice] = self._until(self._advices_sent, f"{left[0]} leaves as DESADV to {PARTNER}")
        return advice

    def _advices_sent(self) -> list[Document]:
        advices = self._seen.documents(direction="outbound", type="DespatchAdvice")
        wrong = [one for one in advices if one.validation == "invalid"]
        if wrong:
            raise NotHappened(f"the despatch advice is not valid: {wrong[0].findings[0].sentence}")
        return [one for one in advices if one.delivery == "sent"]

    def _stay_silent(self, advice: Document) -> None:
        self._title("The schedule runs again: there is nothing new, so nothing leaves")
        self._desk.run_schedule(DESPATCH, actor=VISITOR)
        self._until(lambda: not self._desk.submitter.unfinished(["advise", "deliver"]), "the second run is over")
        files = [name for name in self._plant.outbox(PARTNER) if name.startswith("DESADV")]
        if len(files) != 1:
            raise NotHappened(f"exactly one DESADV leaves; there are {', '.join(files)}")
        self._say(f"still one file for delivery {advice.number}: outbox/{PARTNER}/{files[0]}")

    def _acknowledge(self, advice: Document) -> None:
        with self._desk.store.read() as work:
            interchange = work.interchanges.get(str(advice.interchange_id))
        name = f"contrl-{interchange.control_reference}.edi"
        self._title(f"{PARTNER} acknowledges interchange {interchange.control_reference} by dropping {name}")
        self._plant.drop(PARTNER, name, contrl_for(interchange))
        self._until(lambda: self._acknowledgment(interchange) == "accepted", f"the DESADV is acknowledged by {name}")

    def _acknowledgment(self, interchange: Interchange) -> str:
        with self._desk.store.read() as work:
            return work.interchanges.get(interchange.id).acknowledgment

    # telling

    def _until(self, look: Callable[[], T], what: str) -> T:
        def look_and_tell() -> T:
            found = look()
            self._watching.look()
            return found

        with waiting(self._console, what):
            return self._plant.wait(look_and_tell, what)

    def _title(self, text: str) -> None:
        paper.heading(self._console, f"▸ {text}")

    def _say(self, text: str) -> None:
        paper.line(self._console, text, indent=2)

    def _break_off(self, error: EdiServerError) -> int:
        paper.heading(self._console, "The demo did not come to its end")
        paper.line(self._console, paper.words(str(error), paper.BAD), indent=2)
        paper.line(self._console, f"The daemon's last words ({self._plant.log}):", indent=2)
        for line in self._plant.log_tail().splitlines():
            paper.line(self._console, paper.words(line, paper.DIM), indent=4)
        return 1

    def _end(self, problems: list[str]) -> int:
        seconds = time.monotonic() - self._began
        for problem in problems:
            paper.line(self._console, paper.words(f"not as it should be: {problem}", paper.BAD))
        verdict = "Something did not come out as it should" if problems else "Everything came out as it should"
        stays = f"The daemon is stopped; {self._folder} stays."
        paper.heading(self._console, f"{verdict}, in {seconds:.0f} seconds. {stays}")
        self._suggest()
        return 1 if problems else 0

    def _suggest(self) -> None:
        command = f"{_command()} --config {shlex.quote(str(self._folder / 'edi-server.toml'))}"
        self._say("Try next:")
        for arguments, why in (
            ("documents", "all documents with their three statuses"),
            ("show 4500012348", "the wrong order: findings in their place, timeline"),
            (f"show {ORDER}", "the clean one, and where its bytes are"),
            ("rejected", "what somebody has to decide on"),
            ("reject 4500012348 --reason 'no date'", "decide on it"),
            ("profile explain borealis orders-in --differing", "what that partner does differently, and why"),
            ("serve", "the daemon on this folder; drop files into its inbox/, then open the page it names"),
        ):
            # To be copied: never broken into two lines by us.
            self._console.print(f"    {command} {arguments}", soft_wrap=True)
            paper.line(self._console, paper.words(why, paper.DIM), indent=8)


def _command() -> str:
    """How people call the command line here: the script beside this Python, by the shortest path."""
    script = Path(sys.executable).parent / "edi-server"
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m edi_server"
    here = Path.cwd()
    return shlex.quote(str(script.relative_to(here) if script.is_relative_to(here) else script))
