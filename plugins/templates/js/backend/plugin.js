// A backend for scanhost. Its scanner is fictional: change paths, JSON and report to those of your scanner.
//
// Every call runs in a new instance with empty memory: put what a later call needs into the state.
// Throw an error of the world as an object with a `tag`; any other error that is thrown ends the call as a crash.

import { download, send as sendRequest } from 'scanhost:backend/http@@VERSION@';
import { read } from 'scanhost:backend/report@@VERSION@';
import { emit as emitBatch } from 'scanhost:backend/findings@@VERSION@';

const FIELDS = ['host', 'port', 'severity', 'plugin_name'];
const BATCH = 5000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const scanner = {
  describe() {
    return {
      name: '@NAME@',
      version: '0.1.0',
      reportExtension: 'csv',
      stateVersion: 1,
      resumable: true,
      scanTypes: ['untrusted'],
      auth: [],
      fields: [],
    };
  },

  create(context, request) {
    const name = `${request.name} [${context.installation} ${request.taskId}]`;
    const answer = accepted('create the scan', 'post', '/scans', { name, targets: request.targets.join(',') });
    return { id: text(answer, 'id'), state: new Uint8Array() };
  },

  find(context, taskId) {
    const found = listed(context).find((scan) => scan.taskId === taskId);
    return found && { id: found.id, state: new Uint8Array() };
  },

  listScans(context) {
    return listed(context);
  },

  launch(context, id) {
    const answer = send('launch the scan', 'post', path(id, '/launch'), {});
    if (answer.status === 409) throw { tag: 'already-running' };
    accept('launch the scan', answer);
    return context.state;
  },

  status(context, id) {
    const answer = accepted("read the scan's status", 'get', path(id));
    const percent = Number.isInteger(answer.percent) ? Math.min(Math.max(answer.percent, 0), 99) : 0;
    const states = new Map([
      ['new', { tag: 'created' }],
      ['done', { tag: 'completed' }],
      ['failed', { tag: 'failed', val: 'the scan failed at the scanner' }],
    ]);
    const state = states.get(text(answer, 'state')) ?? { tag: 'running', val: percent };
    return { state, nextState: context.state };
  },

  stop(context, id) {
    const answer = send('stop the scan', 'post', path(id, '/stop'), {});
    // 409: the scan has already ended.
    if (answer.status !== 409) accept('stop the scan', answer);
  },

  remove(context, id) {
    const answer = send('delete the scan', 'delete', path(id));
    if (answer.status !== 404) accept('delete the scan', answer);
  },

  exportReport(context, id, cursor) {
    const request = { method: 'get', path: path(id, '/report'), headers: [], body: undefined };
    accept('download the report', attempt('download the report', () => download(request)));
    return { tag: 'done' };
  },

  health(context) {
    accepted('check the scanner', 'get', '/ready');
    return { ready: true, message: 'the scanner answers' };
  },
};

// Lists the scans of this installation.
function listed(context) {
  const { scans } = accepted('list the scans', 'get', '/scans');
  if (!Array.isArray(scans)) throw notExpected('list the scans');
  return scans.flatMap((scan) => {
    const marker = /\[([^ \]]+) ([^ \]]+)\]$/.exec(text(scan, 'name'));
    if (marker === null || marker[1] !== context.installation) return [];
    return [{ id: text(scan, 'id'), taskId: marker[2], isRunning: !['done', 'failed'].includes(scan.state) }];
  });
}

// Builds the path of a scan. Ids come from the scanner, so one that is not safe in a path is refused.
function path(id, rest = '') {
  if (!/^[0-9A-Za-z_-]+$/.test(id)) throw { tag: 'not-found', val: "the scan's id is not valid for this scanner" };
  return `/scans/${id}${rest}`;
}

function send(purpose, method, path, body) {
  const headers = [['accept', 'application/json']];
  if (body !== undefined) headers.push(['content-type', 'application/json']);
  const bytes = body === undefined ? undefined : encoder.encode(JSON.stringify(body));
  return attempt(purpose, () => sendRequest({ method, path, headers, body: bytes }));
}

// Returns the answer of `call`. If no complete answer came, throws the error that the host understands.
function attempt(purpose, call) {
  try {
    return call();
  } catch (error) {
    const { tag, val } = error.payload ?? {};
    if (tag === 'denied') throw { tag: 'invalid', val: `cannot ${purpose}: refused by the host: ${val}` };
    if (tag === 'unreachable' || tag === 'broken') throw { tag: 'unavailable', val: `cannot ${purpose}: ${val}` };
    throw { tag: 'internal', val: `cannot ${purpose}: the answer or the call is too large` };
  }
}

// Sends a request and returns the JSON object of a successful answer.
function accepted(purpose, method, path, body) {
  const answer = accept(purpose, send(purpose, method, path, body));
  let value;
  try {
    value = JSON.parse(decoder.decode(answer.body));
  } catch {
    throw notExpected(purpose);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notExpected(purpose);
  return value;
}

// Returns the answer if it is a success, otherwise throws what its status means. Errors never quote the scanner.
function accept(purpose, answer) {
  const { status } = answer;
  if (status >= 200 && status < 300) return answer;
  const val = `cannot ${purpose}: the scanner answered with status ${status}`;
  if (status === 429) {
    const after = answer.headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1] ?? '';
    throw { tag: 'rate-limited', val: /^\d+$/.test(after) ? Math.min(Number(after), 86400) * 1000 : undefined };
  }
  const tags = { 400: 'invalid', 401: 'unauthorized', 403: 'unauthorized', 404: 'not-found', 405: 'invalid',
    410: 'not-found', 413: 'invalid', 415: 'invalid', 422: 'invalid', 501: 'unsupported' };
  throw { tag: tags[status] ?? 'unavailable', val };
}

function notExpected(purpose) {
  return { tag: 'internal', val: `cannot ${purpose}: the scanner's answer is not the expected JSON` };
}

function text(value, key) {
  const found = value?.[key];
  if (typeof found !== 'string') throw notExpected("read the scanner's answer");
  return found;
}

export const reader = {
  parse(scanType) {
    const hosts = new Set();
    const stream = new TextDecoder();
    let [rows, rest, isFirst] = [[], '', true];
    for (;;) {
      const piece = orParseError(() => read(1 << 20));
      const isLast = piece.length === 0;
      const lines = (rest + stream.decode(piece, { stream: !isLast })).split('\n');
      rest = isLast ? '' : lines.pop();
      for (const line of lines) {
        const values = line.replace(/\r$/, '').split(',');
        if (line !== '') {
          hosts.add(values[0]);
          rows.push(values);
        }
        if (rows.length >= BATCH) [isFirst, rows] = [emit(rows, isFirst), []];
      }
      if (isLast) break;
    }
    if (rows.length > 0) emit(rows, isFirst);
    return { name: undefined, targets: undefined, hosts: hosts.size, authentication: 'not-applicable', warnings: [] };
  },
};

// Hands findings over as one block of bytes, and cells that point into it.
function emit(rows, isFirst) {
  const [pieces, cells, findings] = [[], [], []];
  let offset = 0;
  for (const values of rows) {
    let count = 0;
    values.slice(0, FIELDS.length).forEach((value, field) => {
      const bytes = encoder.encode(value);
      if (bytes.length === 0) return;
      pieces.push(bytes);
      cells.push({ field, offset, length: bytes.length });
      offset += bytes.length;
      count += 1;
    });
    findings.push(count);
  }
  const arena = new Uint8Array(offset);
  cells.forEach((cell, index) => arena.set(pieces[index], cell.offset));
  orParseError(() => emitBatch({ newFields: isFirst ? FIELDS : [], arena, cells, findings }));
  return false;
}

// Returns the result of `step`, or throws the host's reason as a parse error.
function orParseError(step) {
  try {
    return step();
  } catch (error) {
    throw { message: String(error.payload ?? 'the host gave no reason'), offset: 0n };
  }
}
