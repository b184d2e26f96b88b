// What needs a script: drop and open files, tidy, copy. Choosing, firing and answering cards work without it.
"use strict";

const editor = document.getElementById("patient");
const said = document.getElementById("said");
const say = (text) => { said.textContent = text; };

for (const tools of document.querySelectorAll(".tools")) tools.hidden = false;

const take = async (file) => {
  if (!file) return;
  editor.value = await file.text();
  say(`${file.name} is in the editor`);
};

document.getElementById("file").addEventListener("change", (event) => take(event.target.files[0]));

for (const kind of ["dragover", "dragleave", "drop"]) {
  editor.addEventListener(kind, (event) => {
    event.preventDefault();
    editor.classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
}

document.getElementById("tidy").addEventListener("click", () => {
  try {
    editor.value = JSON.stringify(JSON.parse(editor.value), null, 2);
    say("Tidied");
  } catch (error) {
    say(`Not JSON: ${error.message}`);
  }
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const from = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText("value" in from ? from.value : from.textContent);
    say("Copied");
    button.textContent = "Copied";
  });
}

document.getElementById("story").addEventListener("change", (event) => event.target.form.submit());

for (const form of document.querySelectorAll(".tell")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const told = form.closest(".card").querySelector(".told");
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form, event.submitter) });
    told.textContent = await answer.text();
    told.hidden = false;
  });
}
