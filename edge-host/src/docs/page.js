// Shows openapi.json, and sends requests. All texts are set as text, never as HTML.

const contents = document.getElementById("contents");
const operations = document.getElementById("operations");
const about = document.getElementById("about");
const key = document.getElementById("key");

/** An element with attributes and children. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** A part that opens on demand. */
const folded = (title, value) => element("details", {}, element("summary", {}, title), element("pre", {}, pretty(value)));

function headers(body, type) {
  const all = body === undefined ? {} : { "content-type": type };
  return key.value ? { ...all, authorization: `Bearer ${key.value}` } : all;
}

/** The value that a reference of the document names. */
function resolved(root, value) {
  const path = value.$ref?.slice(2).split("/");
  return path ? path.reduce((at, name) => at[name], root) : value;
}

/** What the responses of an operation are: their schemas and examples. */
function responses(root, operation) {
  return Object.entries(operation.responses).map(([status, value]) => {
    const response = resolved(root, value);
    const [type, content] = Object.entries(response.content ?? {})[0] ?? ["", {}];
    const parts = [folded("Schema", resolved(root, content.schema ?? {}))];
    for (const [name, example] of Object.entries(content.examples ?? {})) parts.push(folded(`Example: ${name}`, example.value));
    return element("details", {}, element("summary", {}, `${status} ${type}: ${response.description}`), ...parts);
  });
}

/** A form that sends a request, and shows the answer. */
function form(path, method, operation) {
  const id = operation.operationId;
  const made = element("form", {});
  const parts = (operation.parameters ?? []).map((parameter) => {
    const input = element("input", { id: `${id}-${parameter.name}`, required: "", value: parameter.example ?? "" });
    made.append(element("label", { for: input.id }, `${parameter.name} `), input, " ");
    return [parameter.name, input];
  });
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const body = content && element("textarea", { id: `${id}-body`, spellcheck: "false" });
  if (body) {
    made.append(element("label", { for: body.id }, `Body, ${type}`), body);
    const examples = Object.entries(content.examples ?? {});
    body.value = pretty(examples[0]?.[1].value ?? {});
    for (const [name, example] of examples) {
      const button = element("button", { type: "button" }, `Example: ${name}`);
      button.addEventListener("click", () => (body.value = pretty(example.value)));
      made.append(button, " ");
    }
  }
  const told = element("pre", { role: "status", class: "answer" });
  made.append(element("button", { class: "send" }, "Send"), told);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    told.textContent = "…";
    const named = parts.reduce((at, [name, input]) => at.replace(`{${name}}`, encodeURIComponent(input.value)), path);
    const begin = performance.now();
    try {
      const answer = await fetch(`.${named}`, { method, body: body?.value, headers: headers(body, type) });
      const text = await answer.text();
      let shown = text;
      try {
        shown = pretty(JSON.parse(text));
      } catch {
        // Not JSON: shown as it is.
      }
      told.textContent = `${answer.status} after ${(performance.now() - begin).toFixed(1)} ms\n${shown}`;
    } catch (error) {
      told.textContent = `The request failed: ${error.message}`;
    }
  });
  return made;
}

function operationPart(root, path, method, operation) {
  const body = element("div", {}, element("p", {}, operation.description ?? ""));
  for (const content of Object.values(operation.requestBody?.content ?? {})) body.append(folded("Schema of the request", content.schema));
  body.append(form(path, method, operation), element("h3", {}, "Answers"), ...responses(root, operation));
  const title = element("summary", {}, element("span", { class: "method" }, method), element("code", {}, path), ` ${operation.summary}`);
  return element("details", { class: "operation", id: operation.operationId }, title, body);
}

/** Opens the operation that the address names. */
function openNamed() {
  const named = document.getElementById(location.hash.slice(1));
  if (named instanceof HTMLDetailsElement) named.open = true;
}

async function load() {
  const answer = await fetch("openapi.json", { headers: headers() });
  const root = await answer.json();
  if (!answer.ok) throw new Error(root.error);
  about.textContent = `${root.info.title} ${root.info.version}. ${root.info.summary}`;
  const byTag = new Map();
  for (const [path, methods] of Object.entries(root.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0];
      byTag.set(tag, [...(byTag.get(tag) ?? []), [path, method.toUpperCase(), operation]]);
    }
  contents.replaceChildren();
  operations.replaceChildren();
  for (const [tag, all] of [...byTag].sort(([a], [b]) => a.localeCompare(b))) {
    contents.append(element("li", {}, element("strong", {}, tag)));
    operations.append(element("h2", {}, tag));
    for (const [path, method, operation] of all) {
      contents.append(element("li", {}, element("a", { href: `#${operation.operationId}` }, `${method} ${path}`)));
      operations.append(operationPart(root, path, method, operation));
    }
  }
  openNamed();
}

const show = () => load().catch((error) => (about.textContent = `The description cannot be loaded: ${error.message}`));

addEventListener("hashchange", openNamed);
document.getElementById("access").addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
show();
