"use strict";
// Everything works without this script: it only tells how far a description is.
function follow(key, element, done) {
  const source = new EventSource("/progress?key=" + encodeURIComponent(key));
  for (const phase of ["PREP", "AI_CALL", "PARSE", "SAVE", "DONE", "FAILED"]) {
    source.addEventListener(phase, (event) => {
      element.textContent = event.data;
      if (phase === "DONE" || phase === "FAILED") {
        source.close();
        done();
      }
    });
  }
}
for (const form of document.querySelectorAll("form[data-progress]")) {
  form.addEventListener("submit", () => {
    form.querySelector("button").disabled = true;
    follow(form.dataset.progress, form.querySelector("[role=status]"), () => {});
  });
}
for (const waiting of document.querySelectorAll("[data-wait]")) {
  follow(waiting.dataset.wait, waiting.querySelector("[role=status]"), () => location.assign(waiting.querySelector("a").href));
}
