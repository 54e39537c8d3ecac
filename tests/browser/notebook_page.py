"""A notebook in a real front end: runs cells, evaluates expressions in the kernel, finds elements on the page."""

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
"""Seconds; a bound against waiting forever."""

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
class PageErrors:
    """Uncaught exceptions, console errors and outside requests of pages."""

    exceptions: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    outside_requests: list[str] = field(default_factory=list)
    # Notebook 7 raises errors when it starts: "reading 'schema'", "filebrowser:open-path".
    not_ours: str = "/static/notebook/"

    def clear(self) -> None:
        """Discard the errors of other tests' pages."""
        for noted in (self.exceptions, self.console_errors, self.outside_requests):
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
            self.exceptions.append(f"{error}\n{error.stack or ''}")

    def check(self, allowed_outside: tuple[str, ...] = ()) -> None:
        """Raise if a page raised an exception, failed to show a widget, or sent a request to another machine."""
        assert not self.exceptions, "page errors:\n" + "\n".join(self.exceptions)
        broken = [text for text in self.console_errors if any(failure in text for failure in FAILURES)]
        assert not broken, "widgets that could not be shown:\n" + "\n".join(broken)
        outside = [url for url in self.outside_requests if not url.startswith(allowed_outside or ("\0",))]
        assert not outside, "requests to other machines:\n" + "\n".join(outside)


class NotebookPage:
    """An open notebook in JupyterLab or Notebook 7.

    Parameters
    ----------
    page : Page
        An empty browser page.
    server : Server
        The Jupyter server.
    path : str
        Path of the notebook in the front end's URL: ``doc/tree/x.ipynb`` for JupyterLab in single-document
        mode, ``notebooks/x.ipynb`` for Notebook 7.
    """

    def __init__(self, page: Page, server: Server, path: str) -> None:
        self.page = page
        self.server = server
        self.comm_messages = 0
        page.on("websocket", self._count)
        page.add_init_script(HARNESS)
        page.goto(f"{server.url}/{path}?token={server.token}")
        self.wait_until_ready()

    def open(self, name: str) -> None:
        """Open another notebook in JupyterLab, and reset viewport, motion preference and theme."""
        self.page.set_viewport_size(VIEWPORT)
        self.page.emulate_media(reduced_motion="no-preference")
        self.page.evaluate("name => harness.open(name)", name)
        self.wait_until_ready()
        self.theme("Light")

    def empty(self) -> None:
        """Delete all cells, close all widgets and delete all names; the kernel keeps running."""
        self.execute(CLOSE_WIDGETS)
        self.execute("%reset -f")
        self.page.evaluate("harness.empty()")
        self.page.set_viewport_size(VIEWPORT)
        self.theme("Light")

    def close(self) -> None:
        """Close the notebook without saving it."""
        self.page.evaluate("harness.close()")

    def wait_until_ready(self) -> None:
        """Wait until the notebook is shown, its kernel is idle, and the page has requested the kernel's widgets.

        A page that connects to a kernel requests the existing widgets, first through ipywidgets' control
        channel, then from the kernel. If a cell shows a widget meanwhile, parts of it can get lost.
        """
        self.page.wait_for_function("window.harness?.ready()")
        for _request in ("the control channel", "the kernel"):
            self.page.evaluate("harness.watch()")
            self.execute("")  # answered after the page's earlier requests
        self.page.evaluate("for (const side of ['collapseLeft', 'collapseRight']) jupyterapp.shell[side]?.()")

    def run(self, source: str) -> str:
        """Append a cell, run it, wait until it has finished, and return its text output.

        Raises
        ------
        CellError
            If the cell raised.
        """
        return self.finish(self.start(source))

    def start(self, source: str) -> int:
        """Append a cell and run it without waiting; return its index."""
        return self.page.evaluate(
            "async source => { const i = await harness.append(source); harness.run(i); return i; }", source
        )

    def start_together(self, *sources: str) -> list[int]:
        """Append cells and queue all of them without waiting; return their indices."""
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
        """Wait until a started cell has finished; return its text output."""
        self.page.wait_for_function(
            "index => { const model = harness.panel().content.widgets[index].model;"
            " return model.executionState === 'idle' && model.executionCount !== null; }",
            arg=index,
        )
        return text_of(self.page.evaluate("index => harness.outputs(index)", index))

    def execute(self, code: str) -> str:
        """Run `code` in the kernel without a cell; return its text output."""
        return text_of(self.page.evaluate("code => harness.execute(code)", code))

    def value_of(self, expression: str) -> Any:
        """Return the value of an expression in the kernel; it must be a JSON value."""
        value = self.page.evaluate(
            "expression => harness.value(expression)", f"__import__('json').dumps({expression})"
        )
        return json.loads(ast.literal_eval(text_of([value])))

    def wait_until(self, condition: str) -> None:
        """Wait until a condition in the kernel is true; cells and messages are handled meanwhile."""
        # Playwright's wait_for_function takes a promise for a true value.
        self.page.evaluate(
            "([condition, seconds]) => harness.until(condition, seconds)", [condition, PATIENCE]
        )

    def messages(self) -> str:
        """Return the number of kernel messages that reached the page, and those that JupyterLab has not handled."""
        return "\n".join(self.page.evaluate("harness.report()"))

    def reload(self) -> None:
        """Reload the page of this notebook; the kernel keeps running."""
        path = self.page.evaluate("harness.panel().context.path")
        self.page.evaluate("window.onbeforeunload = null")
        self.page.goto(f"{self.server.url}/doc/tree/{path}?token={self.server.token}")
        self.wait_until_ready()

    def theme(self, name: str) -> None:
        """Set JupyterLab's theme: ``"Light"`` or ``"Dark"``."""
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", f"JupyterLab {name}"
        )
        self.page.wait_for_selector(
            f"body[data-jp-theme-light='{'true' if name == 'Light' else 'false'}']", state="attached"
        )

    def cell(self, index: int) -> Locator:
        """Return the outputs of a cell."""
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
            # Messages of the kernel, not of the page.
            if b'"comm_msg"' in data:
                self.comm_messages += 1

        socket.on("framereceived", received)


def text_of(outputs: list[dict[str, Any]]) -> str:
    """Return the text of a cell's outputs; raise `CellError` if one of them is an error."""
    texts = []
    for output in outputs:
        if "traceback" in output:
            raise CellError(re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output["traceback"])))
        text = output.get("text", output.get("data", {}).get("text/plain", ""))
        texts.append(text if isinstance(text, str) else "".join(text))
    return "".join(texts).strip()
