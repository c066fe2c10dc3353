"use strict";
// Draws /openapi.json. Text goes in as text nodes only, never as markup.

const WORDS = {
  zh: { other: "English", parameters: "参数", body: "请求正文", answers: "响应", schemas: "数据结构",
        problems: "错误码", code: "代码", status: "状态", meaning: "含义", required: "必填", signIn: "需要登录" },
  en: { other: "中文", parameters: "Parameters", body: "Request body", answers: "Answers", schemas: "Schemas",
        problems: "Problem codes", code: "Code", status: "Status", meaning: "Meaning", required: "required",
        signIn: "sign-in needed" },
};
const METHODS = ["get", "post", "put", "patch", "delete"];
let language = navigator.language.toLowerCase().startsWith("en") ? "en" : "zh";

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function table(heads, rows) {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return make("a", { href: "#schema-" + name }, name);
  }
  if (schema.type === "array") return make("span", {}, "[", typeOf(schema.items), "]");
  const choices = schema.oneOf || schema.anyOf || schema.allOf;
  if (choices) {
    const parts = choices.flatMap((choice, at) => (at ? [" | ", typeOf(choice)] : [typeOf(choice)]));
    return make("span", {}, ...parts);
  }
  const type = Array.isArray(schema.type) ? schema.type.join(" | ") : schema.type || "any";
  const bounds = schema.minimum !== undefined || schema.maximum !== undefined
    ? ` ${schema.minimum ?? ""}..${schema.maximum ?? ""}` : "";
  const values = schema.enum ? ": " + schema.enum.join(", ") : "";
  return type + (schema.format ? ` (${schema.format})` : "") + bounds + values;
}

function contentOf(content) {
  return Object.entries(content || {}).map(([kind, media]) =>
    make("p", {}, make("code", {}, kind), " ", typeOf(media.schema)));
}

function operationOf(path, method, operation, words) {
  const inside = make("div", {});
  if (operation.description) inside.append(make("p", {}, operation.description));
  if (operation.security) inside.append(make("p", {}, words.signIn));
  if (operation.parameters && operation.parameters.length) {
    const rows = operation.parameters.map((parameter) => make("tr", {},
      make("td", {}, make("code", {}, parameter.name), ` (${parameter.in})`),
      make("td", {}, typeOf(parameter.schema), parameter.required ? `, ${words.required}` : ""),
      make("td", {}, parameter.description || "")));
    inside.append(make("h4", {}, words.parameters), table([words.parameters, "", ""], rows));
  }
  if (operation.requestBody) {
    inside.append(make("h4", {}, words.body), ...contentOf(operation.requestBody.content));
  }
  inside.append(make("h4", {}, words.answers));
  for (const [status, answer] of Object.entries(operation.responses || {})) {
    const heading = make("p", {}, make("b", {}, status), " ", answer.description || "");
    inside.append(heading, ...contentOf(answer.content));
  }
  const summary = make("summary", {}, make("b", {}, method.toUpperCase()), make("code", {}, path), " ",
    operation.summary || "");
  return make("details", { id: operation.operationId || method + path }, summary, inside);
}

function schemaOf(name, schema) {
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties || {}).map(([field, inner]) => make("tr", {},
    make("td", {}, make("code", {}, field), required.has(field) ? "" : "?"),
    make("td", {}, typeOf(inner)),
    make("td", {}, inner.description || "")));
  const shape = rows.length ? table(["", "", ""], rows) : make("p", {}, typeOf(schema));
  return make("details", { id: "schema-" + name }, make("summary", {}, make("code", {}, name), " ",
    schema.description || ""), make("div", {}, shape));
}

function problemsOf(codes, words) {
  const rows = codes.map((entry) => make("tr", { id: "problem-" + entry.code },
    make("td", {}, make("code", {}, entry.code)), make("td", {}, String(entry.status)),
    make("td", {}, entry.title[language])));
  return table([words.code, words.status, words.meaning], rows);
}

function draw(api) {
  const words = WORDS[language];
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = (item[method].tags || ["api"])[0];
      groups.set(tag, [...(groups.get(tag) || []), operationOf(path, method, item[method], words)]);
    }
  }
  const sections = [...groups].map(([tag, operations]) => [tag, tag, operations]);
  const schemas = Object.entries((api.components || {}).schemas || {});
  sections.push(["schemas", words.schemas, schemas.map(([name, schema]) => schemaOf(name, schema))]);
  sections.push(["problems", words.problems, [problemsOf(api["x-problem-codes"] || [], words)]]);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  document.getElementById("language").textContent = words.other;
  document.getElementById("contents").replaceChildren(
    ...sections.map(([id, title]) => make("a", { href: "#section-" + id }, title)));
  document.getElementById("main").replaceChildren(make("p", {}, api.info.description || ""),
    ...sections.map(([id, title, parts]) =>
      make("section", { id: "section-" + id }, make("h2", {}, title), ...parts)));
}

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView();
}

async function main() {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`openapi.json: ${answer.status}`);
  const api = await answer.json();
  document.getElementById("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    draw(api);
  });
  draw(api);
  openTarget();
  addEventListener("hashchange", openTarget);
}

main().catch((error) => document.getElementById("main").replaceChildren(make("p", {}, String(error))));
