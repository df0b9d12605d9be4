// What each page does by script: times in the reader's zone, and itself read again when something
// has changed. Without it a page is complete, and stays as it is.
import { drawCharts } from "./charts.js";
import { keepCurrent } from "./live.js";
import { localizeTimes, refreshAges } from "./times.js";

localizeTimes(document);
drawCharts(document);
setInterval(() => refreshAges(document), 1000);
keepCurrent();
watchChecks();

/** A checkbox with data-checks ticks all that have its name, in its form or table. */
function watchChecks() {
  document.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return;
    const form = target.form;
    const all = form?.querySelector("input[data-checks]");
    if (form === null || !(all instanceof HTMLInputElement)) return;
    const name = all.dataset["checks"] ?? "";
    const boxes = Array.from(form.elements).flatMap((element) =>
      element instanceof HTMLInputElement && element.name === name ? [element] : [],
    );
    if (target === all) {
      for (const box of boxes) box.checked = all.checked;
    }
    const count = boxes.filter((box) => box.checked).length;
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    for (const place of form.querySelectorAll("[data-checked-count]")) {
      place.textContent = String(count);
    }
  });
}
