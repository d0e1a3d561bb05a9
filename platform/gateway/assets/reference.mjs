// Shows /openapi.json. Everything in it is set as text, never as markup: a summary that holds HTML stays a summary.

const document_ = await (await fetch("/openapi.json")).json();
const main = document.querySelector("#main");
const index = document.querySelector("#index");
const key = document.querySelector("#key");

key.value = sessionStorage.getItem("key") ?? "";
key.addEventListener("input", () => sessionStorage.setItem("key", key.value));
document.title = `${document_.info.title} API reference`;
document.querySelector("#title").textContent = `${document_.info.title} ${document_.info.version}`;

function element(name, properties = {}, ...children) {
  const { class: className, ...rest } = properties;
  const made = Object.assign(document.createElement(name), rest);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

function resolve(schema) {
  let found = schema;
  for (let step = 0; step < 8 && found?.$ref !== undefined; step++) {
    found = found.$ref
      .split("/")
      .slice(1)
      .reduce((at, part) => at?.[part], document_);
  }
  return found ?? {};
}

/** One line: what a value must be. */
function typeOf(schema, depth = 0) {
  const {
    type,
    enum: values,
    const: value,
    anyOf,
    oneOf,
    items,
    format,
    minimum,
    maximum,
    minLength,
    maxLength,
  } = resolve(schema);
  if (depth > 3) return "…";
  if (values !== undefined) return values.map((one) => JSON.stringify(one)).join(" | ");
  if (value !== undefined) return JSON.stringify(value);
  const branches = anyOf ?? oneOf;
  if (branches !== undefined) return branches.map((one) => typeOf(one, depth + 1)).join(" | ");
  if (type === "array") return `list of ${typeOf(items ?? {}, depth + 1)}`;
  const safe = (bound) => bound !== undefined && Math.abs(bound) !== Number.MAX_SAFE_INTEGER;
  const range =
    safe(minimum) || safe(maximum) ? ` ${safe(minimum) ? minimum : "…"} to ${safe(maximum) ? maximum : "…"}` : "";
  const length =
    minLength !== undefined || maxLength !== undefined
      ? ` of ${minLength ?? 0} to ${maxLength ?? "any"} characters`
      : "";
  return `${[type ?? "anything"].flat().join(" | ")}${format ? ` (${format})` : ""}${range}${length}`;
}

/** A value of the schema's shape, to start from. */
function exampleOf(schema, depth = 0) {
  const {
    type,
    enum: values,
    const: value,
    anyOf,
    oneOf,
    allOf,
    items,
    properties,
    default: given,
    examples,
    minimum,
  } = resolve(schema);
  if (depth > 6) return null;
  if (examples?.length > 0) return examples[0];
  if (given !== undefined) return given;
  if (value !== undefined) return value;
  if (values !== undefined) return values[0];
  const branches = anyOf ?? oneOf;
  if (branches !== undefined) return exampleOf(branches[0], depth + 1);
  if (allOf !== undefined) return Object.assign({}, ...allOf.map((one) => exampleOf(one, depth + 1)));
  const kind = [type].flat()[0];
  if (properties !== undefined) {
    return Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, exampleOf(field, depth + 1)]));
  }
  if (kind === "object") return {};
  if (kind === "array") return [exampleOf(items ?? {}, depth + 1)];
  if (kind === "integer" || kind === "number") return minimum > 0 ? minimum : 1;
  if (kind === "boolean") return true;
  return kind === "null" ? null : "text";
}

/** A schema's fields, one row each, nested ones indented by their path. */
function fieldsOf(schema, prefix = "", depth = 0) {
  const { properties = {}, required = [], items, type } = resolve(schema);
  if (type === "array" && items !== undefined && depth < 5) return fieldsOf(items, `${prefix}[]`, depth + 1);
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    const about = resolve(field).description;
    const row = element(
      "tr",
      {},
      element("td", {}, element("code", { textContent: path })),
      element("td", { class: "soft", textContent: `${typeOf(field)}${required.includes(name) ? "" : ", optional"}` }),
      element("td", { textContent: about ?? "" }),
    );
    return depth < 4 ? [row, ...fieldsOf(field, path, depth + 1)] : [row];
  });
}

function fieldTable(title, schema) {
  const rows = fieldsOf(schema);
  const shown =
    rows.length > 0
      ? element("table", {}, element("tbody", {}, ...rows))
      : element("code", { textContent: typeOf(schema) });
  return element("div", {}, element("h4", { textContent: title }), shown);
}

function faultsOf(responses) {
  const lines = Object.entries(responses)
    .filter(([status]) => Number(status) >= 400)
    .map(([status, { description }]) => {
      const code = element("code", { class: "fault", textContent: status });
      return element("tr", {}, element("td", {}, code), element("td", { textContent: description }));
    });
  return element(
    "details",
    {},
    element("summary", { class: "soft", textContent: "Faults" }),
    element("table", {}, element("tbody", {}, ...lines)),
  );
}

function trial(method, path, operation) {
  const fields = new Map();
  const form = element("details", {}, element("summary", { class: "soft", textContent: "Try it" }));
  for (const reference of operation.parameters ?? []) {
    const { name, in: place, required, schema } = resolve(reference);
    const input = element("input", { placeholder: typeOf(schema) });
    if (place === "path" && required) input.value = String(exampleOf(schema));
    fields.set(name, { input, place });
    form.append(element("label", { textContent: `${name} (${place}${required ? ", required" : ""})` }, input));
  }
  const content = operation.requestBody?.content?.["application/json"];
  const body =
    content === undefined
      ? undefined
      : element("textarea", { value: JSON.stringify(exampleOf(content.schema), null, 2), spellcheck: false });
  if (body !== undefined) form.append(element("label", { textContent: "body" }, body));
  const answer = element("pre", { hidden: true });
  const request = () => {
    let target = path;
    const query = new URLSearchParams();
    const headers = key.value === "" ? {} : { authorization: `Bearer ${key.value}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    for (const [name, { input, place }] of fields) {
      if (input.value === "") continue;
      if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(input.value));
      else if (place === "query") query.append(name, input.value);
      else headers[name.toLowerCase()] = input.value;
    }
    const text = query.toString();
    return { url: `${target}${text === "" ? "" : `?${text}`}`, headers };
  };
  const show = (text) => Object.assign(answer, { hidden: false, textContent: text });
  const send = element("button", { type: "button", textContent: "Send" });
  send.addEventListener("click", async () => {
    const { url, headers } = request();
    const response = await fetch(url, { method: method.toUpperCase(), headers, body: body?.value }).catch(
      (error) => error,
    );
    if (response instanceof Error) return show(`no answer: ${response.message}`);
    const text = await response.text();
    show(`${response.status} ${response.headers.get("content-type") ?? ""}\n\n${pretty(text)}`);
  });
  const curl = element("button", { type: "button", textContent: "As curl" });
  curl.addEventListener("click", () => {
    const { url, headers } = request();
    const quoted = (value) => `'${value.replaceAll("'", "'\\''")}'`;
    const shown = Object.entries({
      ...headers,
      ...(headers.authorization && { authorization: "Bearer $BANYAN_API_KEY" }),
    });
    const parts = [`curl -X ${method.toUpperCase()} ${quoted(location.origin + url)}`];
    for (const [name, value] of shown)
      parts.push(`-H ${name === "authorization" ? `"${name}: ${value}"` : quoted(`${name}: ${value}`)}`);
    if (body !== undefined) parts.push(`-d ${quoted(body.value)}`);
    show(parts.join(" \\\n  "));
  });
  form.append(send, curl, answer);
  return form;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

const entries = [];
for (const { name: service } of document_.tags) {
  const links = element("div", {}, element("h2", { textContent: service }));
  main.append(element("h2", { textContent: service }));
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.tags[0] !== service) continue;
      const label = () => element("span", { class: "method", textContent: method.toUpperCase() });
      const link = element("a", { href: `#${operation.operationId}` }, label(), element("span", { textContent: path }));
      const [permission] = operation.security.flatMap(({ apiKey }) => apiKey);
      const success = Object.entries(operation.responses).find(([status]) => Number(status) < 300)?.[1];
      const output = success?.content?.["application/json"]?.schema;
      const input = operation.requestBody?.content?.["application/json"]?.schema;
      const parameters = (operation.parameters ?? []).map(resolve);
      const asSchema = {
        properties: Object.fromEntries(
          parameters.map(({ name, in: place, schema, description }) => [
            name,
            { ...resolve(schema), description: description ?? `in the ${place}` },
          ]),
        ),
        required: parameters.filter(({ required }) => required).map(({ name }) => name),
      };
      const section = element(
        "section",
        { id: operation.operationId },
        element("h3", {}, label(), element("code", { textContent: path })),
        element(
          "p",
          {},
          operation.summary ?? "",
          element("span", {
            class: "soft",
            textContent: ` ${operation.operationId}, ${permission === undefined ? "public" : `needs ${permission}`}`,
          }),
        ),
        parameters.length > 0 ? fieldTable("Parameters", asSchema) : undefined,
        input === undefined ? undefined : fieldTable("Body", input),
        output === undefined ? undefined : fieldTable("Answer", output),
        faultsOf(operation.responses),
        trial(method, path, operation),
      );
      links.append(link);
      main.append(section);
      entries.push({
        text: `${method} ${path} ${operation.operationId} ${operation.summary ?? ""}`.toLowerCase(),
        nodes: [link, section],
      });
    }
  }
  index.append(links);
}

// What a problem's `type` points to.
main.append(element("h2", { textContent: "Faults" }));
for (const { code, status } of document_["x-faults"]) {
  main.append(element("p", { id: code }, element("code", { class: "fault", textContent: `${status} ${code}` })));
}

document.querySelector("#find").addEventListener("input", ({ target }) => {
  const wanted = target.value.toLowerCase();
  for (const { text, nodes } of entries) for (const node of nodes) node.hidden = !text.includes(wanted);
});
if (location.hash !== "") document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
