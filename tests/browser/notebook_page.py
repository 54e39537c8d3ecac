"""A notebook in a real front end, as a test drives it: run a cell, ask the kernel, look at the page."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Error, Locator, Page, ViewportSize, WebSocket

from servers import Server

HARNESS = """
window.harness = {
  panel: () => window.jupyterapp.shell.currentWidget,
  kernel: () => harness.panel().sessionContext.session?.kernel,
  ready: () => {
    const panel = window.jupyterapp && harness.panel();
    return Boolean(panel?.content?.model && panel.sessionContext.isReady && harness.kernel()?.status === 'idle');
  },
  open: async path => {
    harness.close();
    await window.jupyterapp.commands.execute('docmanager:open', { path });
    await new Promise(resolve => requestAnimationFrame(resolve));
  },
  // Without the question whether to save it; where no notebook is left JupyterLab shows its launcher.
  close: () => {
    const panel = harness.panel();
    if (!panel?.context) return;
    panel.context.model.dirty = false;
    panel.dispose();
  },
  empty: () => {
    const { content } = harness.panel();
    content.model.sharedModel.insertCell(0, { cell_type: 'code', source: '' });
    content.model.sharedModel.deleteCellRange(1, content.widgets.length);
  },
  append: async source => {
    const { content } = harness.panel();
    const index = content.widgets.length;
    content.model.sharedModel.insertCell(index, { cell_type: 'code', source });
    return index;
  },
  // A click on a widget makes its cell the active one, so each run says which cell it means.
  run: index => {
    harness.panel().content.activeCellIndex = index;
    return window.jupyterapp.commands.execute('notebook:run-cell');
  },
  // Which messages of the kernel reached the page, and which of them JupyterLab has not handled.
  watch: () => {
    const kernel = harness.kernel();
    if (harness.watched === kernel) return;
    Object.assign(harness, { watched: kernel, arrived: 0, unhandled: new Map(), senders: new Set() });
    kernel.anyMessage.connect((_, { msg, direction }) => {
      if (direction !== 'recv' || msg.channel !== 'iopub') return;
      const { msg_id, msg_type, session } = msg.header;
      harness.arrived += 1;
      harness.senders.add(session);
      harness.unhandled.set(msg_id, `message ${harness.arrived}: ${msg_type} ${msg.content.comm_id ?? ''} of ${session}`);
    });
    kernel.iopubMessage.connect((_, msg) => harness.unhandled.delete(msg.header.msg_id));
  },
  report: () => [
    `${harness.arrived} messages arrived, of the sessions ${[...harness.senders]}; not handled:`, ...harness.unhandled.values()
  ],
  outputs: index => harness.panel().content.widgets[index].model.outputs.toJSON(),
  execute: async code => {
    const future = harness.kernel().requestExecute({ code, store_history: false });
    const outputs = [];
    future.onIOPub = message => {
      if (['stream', 'error', 'execute_result'].includes(message.header.msg_type)) outputs.push(message.content);
    };
    await future.done;
    return outputs;
  },
  // In the reply itself: what is printed may arrive with another cell's output.
  value: async expression => {
    const future = harness.kernel().requestExecute({
      code: '', store_history: false, user_expressions: { value: expression },
    });
    return (await future.done).content.user_expressions.value;
  },
  until: async (condition, seconds) => {
    const end = performance.now() + 1000 * seconds;
    for (;;) {
      const { data, traceback } = await harness.value(`bool(${condition})`);
      if (traceback) throw new Error(traceback.join('\\n'));
      if (data['text/plain'] === 'True') return;
      if (performance.now() > end) throw new Error(`after ${seconds} s it is not true that ${condition}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  },
};
"""

VIEWPORT: ViewportSize = {"width": 1000, "height": 900}

PATIENCE = 120
"""Seconds; a bound against waiting for ever."""

CLOSE_WIDGETS = """
import ganwidgets
for each in list(globals().values()):
    if isinstance(each, ganwidgets.GANTrainerWidget):
        each.close()
"""

FAILURES = (
    "Error displaying widget",
    "Could not create a",
    "Failed to load model",
    "Failed to create view",
    "Script error",
)


class CellError(AssertionError):
    """A cell raised."""


@dataclass
class Complaints:
    """What went wrong in a page without anybody having asked."""

    page_errors: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    outside_requests: list[str] = field(default_factory=list)
    # Notebook 7 has errors of its own when it starts: "reading 'schema'", "filebrowser:open-path".
    not_ours: str = "/static/notebook/"

    def clear(self) -> None:
        """Forget what other tests' pages complained about."""
        for noted in (self.page_errors, self.console_errors, self.outside_requests):
            noted.clear()

    def watch(self, page: Page, server: Server) -> None:
        page.on("pageerror", self._note)
        page.on(
            "console",
            lambda message: self.console_errors.append(message.text) if message.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: (
                self.outside_requests.append(request.url)
                if request.url.startswith(("http", "ws")) and f"127.0.0.1:{server.port}" not in request.url
                else None
            ),
        )

    def _note(self, error: Error) -> None:
        places = re.findall(r"(?:https?|blob):\S+", error.stack or "")
        if not places or any(self.not_ours not in place for place in places):
            self.page_errors.append(f"{error}\n{error.stack or ''}")

    def check(self, allowed_outside: tuple[str, ...] = ()) -> None:
        """Raise if the page failed, showed a widget that could not be made, or phoned home."""
        assert not self.page_errors, "page errors:\n" + "\n".join(self.page_errors)
        broken = [text for text in self.console_errors if any(failure in text for failure in FAILURES)]
        assert not broken, "widgets that could not be shown:\n" + "\n".join(broken)
        outside = [url for url in self.outside_requests if not url.startswith(allowed_outside or ("\0",))]
        assert not outside, "requests to other machines:\n" + "\n".join(outside)


class NotebookPage:
    """A notebook that is open in JupyterLab or in Notebook 7.

    Parameters
    ----------
    page : Page
        An empty page of a browser.
    server : Server
        Who serves it.
    path : str
        Where the notebook is, in the front end's own way of saying it: ``doc/tree/x.ipynb`` for JupyterLab with nothing
        but the notebook, ``notebooks/x.ipynb`` for Notebook 7.
    """

    def __init__(self, page: Page, server: Server, path: str) -> None:
        self.page = page
        self.server = server
        self.comm_messages = 0
        page.on("websocket", self._count)
        page.add_init_script(HARNESS)
        page.goto(f"{server.url}/{path}?token={server.token}")
        self.until_ready()

    def open(self, name: str) -> None:
        """Open another notebook in JupyterLab, in the state in which a page is loaded."""
        self.page.set_viewport_size(VIEWPORT)
        self.page.emulate_media(reduced_motion="no-preference")
        self.page.evaluate("name => harness.open(name)", name)
        self.until_ready()
        self.theme("Light")

    def empty(self) -> None:
        """Delete all cells, close all widgets and forget all names; the kernel lives on."""
        self.execute(CLOSE_WIDGETS)
        self.execute("%reset -f")
        self.page.evaluate("harness.empty()")
        self.page.set_viewport_size(VIEWPORT)
        self.theme("Light")

    def close(self) -> None:
        """Close the notebook, whether it is saved or not."""
        self.page.evaluate("harness.close()")

    def until_ready(self) -> None:
        """Wait until the notebook is shown, its kernel is idle, and the page has asked for the kernel's widgets.

        A page that connects to a kernel asks first the control channel of ipywidgets, then the kernel, for the widgets
        that exist. A cell that shows a widget meanwhile can lose parts of it.
        """
        self.page.wait_for_function("window.harness?.ready()")
        for _request in ("the control channel", "the kernel"):
            self.page.evaluate("harness.watch()")
            self.execute("")  # answered after what the page asked before
        self.page.evaluate("for (const side of ['collapseLeft', 'collapseRight']) jupyterapp.shell[side]?.()")

    def run(self, source: str) -> str:
        """Append a cell, run it, wait until it is done, and return the text that it put out.

        Raises
        ------
        CellError
            If the cell raised.
        """
        return self.finish(self.start(source))

    def start(self, source: str) -> int:
        """Append a cell and run it, without waiting; return the number of the cell."""
        return self.page.evaluate(
            "async source => { const i = await harness.append(source); harness.run(i); return i; }", source
        )

    def start_together(self, *sources: str) -> list[int]:
        """Append cells and run them one after the other, none waited for; return their numbers."""
        return self.page.evaluate(
            """async sources => {
                const indices = [];
                for (const source of sources) indices.push(await harness.append(source));
                indices.forEach(harness.run);
                return indices;
            }""",
            list(sources),
        )

    def finish(self, index: int) -> str:
        """Wait until a cell that was started is done; return the text that it put out."""
        self.page.wait_for_function(
            "index => { const model = harness.panel().content.widgets[index].model;"
            " return model.executionState === 'idle' && model.executionCount !== null; }",
            arg=index,
        )
        return text_of(self.page.evaluate("index => harness.outputs(index)", index))

    def execute(self, code: str) -> str:
        """Run `code` in the kernel without a cell; return the text that it put out."""
        return text_of(self.page.evaluate("code => harness.execute(code)", code))

    def ask(self, expression: str) -> Any:
        """Return the value of an expression in the kernel, one that JSON can carry."""
        value = self.page.evaluate(
            "expression => harness.value(expression)", f"__import__('json').dumps({expression})"
        )
        return json.loads(ast.literal_eval(text_of([value])))

    def until(self, condition: str) -> None:
        """Wait until a condition in the kernel is true; its cells and messages go on meanwhile."""
        # Playwright's own wait_for_function takes the promise of an answer for a yes.
        self.page.evaluate(
            "([condition, seconds]) => harness.until(condition, seconds)", [condition, PATIENCE]
        )

    def messages(self) -> str:
        """Return how many messages of the kernel reached the page, and those that JupyterLab has not handled."""
        return "\n".join(self.page.evaluate("harness.report()"))

    def reload(self) -> None:
        """Load the page of this notebook again; the kernel lives on."""
        path = self.page.evaluate("harness.panel().context.path")
        self.page.evaluate("window.onbeforeunload = null")
        self.page.goto(f"{self.server.url}/doc/tree/{path}?token={self.server.token}")
        self.until_ready()

    def theme(self, name: str) -> None:
        """Set JupyterLab's theme: ``"Light"`` or ``"Dark"``."""
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", f"JupyterLab {name}"
        )
        self.page.wait_for_selector(
            f"body[data-jp-theme-light='{'true' if name == 'Light' else 'false'}']", state="attached"
        )

    def cell(self, index: int) -> Locator:
        """Return what a cell put out."""
        return self.page.locator(f"[data-windowed-list-index='{index}'] .jp-OutputArea-output")

    def widget(self, css_class: str) -> Locator:
        """Return the elements with this class in the notebook's outputs."""
        return self.page.locator(f".jp-OutputArea-output .{css_class}")

    def save(self) -> None:
        """Save the notebook, outputs included."""
        self.page.evaluate("jupyterapp.commands.execute('docmanager:save')")

    def _count(self, socket: WebSocket) -> None:
        def received(payload: str | bytes) -> None:
            data = payload.encode() if isinstance(payload, str) else payload
            # The kernel's own messages, not what the page sent.
            if b'"comm_msg"' in data:
                self.comm_messages += 1

        socket.on("framereceived", received)


def text_of(outputs: list[dict[str, Any]]) -> str:
    """Return the text in a cell's outputs; raise `CellError` if there is an error among them."""
    texts = []
    for output in outputs:
        if "traceback" in output:
            raise CellError(re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output["traceback"])))
        text = output.get("text", output.get("data", {}).get("text/plain", ""))
        texts.append(text if isinstance(text, str) else "".join(text))
    return "".join(texts).strip()
