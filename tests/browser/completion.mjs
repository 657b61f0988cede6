// completion.mjs SCHEMA < QUESTIONS.json: drives yaml-language-server over stdio, as an editor does, and prints what it answers.
//
// A question is {"form": "settings" | "modeline" | "store", "text", "at": [line, character], "ask": "completion" | "hover"},
// places counted from 0. The schema is found by the editor's settings, by the document's first line, or by a catalogue like that
// of schemastore.org, here served from this process. Every form has a server of its own; what hangs is given up after DEADLINE.
// Packages stand in target/npm, where ci/test installs them.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const packages = fileURLToPath(new URL("../../target/npm/", import.meta.url));
const require = createRequire(packages);
const rpc = require("vscode-jsonrpc/node");

const DEADLINE = 120_000; // milliseconds; a server starts in two seconds on an idle machine
setTimeout(() => {
  console.error("the language server did not answer in time");
  process.exit(1);
}, DEADLINE).unref();

const schemaFile = resolve(process.argv[2]);
const schemaUri = pathToFileURL(schemaFile).href;
const questions = JSON.parse(readFileSync(0, "utf8"));
const directory = mkdtempSync(join(tmpdir(), "otj-editor-"));

const catalogue = createServer((request, response) => {
  const here = `http://127.0.0.1:${catalogue.address().port}`;
  response.setHeader("content-type", "application/json");
  if (request.url === "/catalog.json") {
    response.end(JSON.stringify({
      schemas: [{ name: "otj", description: "otj documents", fileMatch: ["**/otj.d/**/*.yaml"], url: `${here}/otj.schema.json` }],
    }));
  } else if (request.url === "/otj.schema.json") {
    response.end(readFileSync(schemaFile));
  } else {
    response.writeHead(404).end();
  }
});
await new Promise((done) => catalogue.listen(0, "127.0.0.1", done));

function settings(form) {
  const store = `http://127.0.0.1:${catalogue.address().port}/catalog.json`;
  return {
    completion: true,
    hover: true,
    validate: true,
    schemas: form === "settings" ? { [schemaUri]: ["otj.d/**/*.yaml"] } : {},
    schemaStore: form === "store" ? { enable: true, url: store } : { enable: false },
  };
}

// A server that knows the schema in the way of `form`.
async function open(form) {
  const program = join(packages, "node_modules/yaml-language-server/bin/yaml-language-server");
  const server = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(server.stdout),
    new rpc.StreamMessageWriter(server.stdin),
  );
  connection.onRequest("workspace/configuration", ({ items }) =>
    items.map(({ section }) => (section === "yaml" ? settings(form) : {})));
  connection.onRequest("client/registerCapability", () => null);
  connection.onUnhandledNotification(() => {});
  connection.listen();
  const root = pathToFileURL(directory).href;
  await connection.sendRequest("initialize", {
    processId: process.pid,
    rootUri: root,
    workspaceFolders: [{ uri: root, name: "site" }],
    capabilities: {
      workspace: { configuration: true, workspaceFolders: true, didChangeConfiguration: { dynamicRegistration: true } },
      textDocument: { completion: { completionItem: { documentationFormat: ["markdown"] } }, hover: {} },
    },
  });
  await connection.sendNotification("initialized", {});
  await connection.sendNotification("workspace/didChangeConfiguration", { settings: { yaml: settings(form) } });
  return connection;
}

async function answer(connection, { form, text, at, ask }, number) {
  const uri = pathToFileURL(join(directory, `otj.d/site-${number}.yaml`)).href;
  const head = form === "modeline" ? `# yaml-language-server: $schema=${schemaUri}\n` : "";
  const position = { line: at[0] + (head ? 1 : 0), character: at[1] };
  // Once diagnostics of the opened document have come, its schema is there.
  const ready = new Promise((done) => {
    connection.onNotification("textDocument/publishDiagnostics", (told) => told.uri === uri && done(told.diagnostics));
  });
  await connection.sendNotification("textDocument/didOpen", {
    textDocument: { uri, languageId: "yaml", version: 1, text: head + text },
  });
  const diagnostics = (await ready).map(({ message }) => message);
  const found = await connection.sendRequest(`textDocument/${ask}`, { textDocument: { uri }, position });
  if (ask === "hover") return { diagnostics, hover: found?.contents?.value ?? "" };
  const items = Array.isArray(found) ? found : found.items;
  const words = (item) => item.documentation?.value ?? item.documentation ?? "";
  return { diagnostics, labels: items.map(({ label }) => label), documented: items.filter(words).length };
}

const answers = [];
for (const form of new Set(questions.map((question) => question.form))) {
  const connection = await open(form);
  for (const [number, question] of questions.entries()) {
    if (question.form === form) answers[number] = await answer(connection, question, number);
  }
  await connection.sendRequest("shutdown");
  await connection.sendNotification("exit");
  connection.dispose();
}
console.log(JSON.stringify(answers));
rmSync(directory, { recursive: true });
process.exit(0);
