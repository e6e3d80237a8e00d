'use strict';

// What this page shows comes from strangers in part, such as the paths of
// requests: it is put in as text only, never as HTML.

const keep = 50; // requests on the page
let primary = document.documentElement.dataset.primary; // where it is now
const cities = new Map(); // region → city

const byId = (id) => document.getElementById(id);
const part = (root, name) => root.querySelector(`[data-is="${name}"]`);

// put changes a text only if it differs, so that a selection in it survives.
function put(root, name, text, title = '') {
  const at = part(root, name);
  if (at.textContent !== text) at.textContent = text;
  if (at.title !== title) at.title = title;
}

function element(name, className, text) {
  const e = document.createElement(name);
  e.className = className;
  e.textContent = text;
  return e;
}

// --- words -----------------------------------------------------------------

function duration(ms) {
  if (ms >= 120000) return `${Math.floor(ms / 60000)} min`;
  if (ms >= 10000) return `${Math.round(ms / 1000)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 9.95 || ms === 0) return `${Math.round(ms)} ms`;
  return `${ms.toFixed(1)} ms`;
}

function bytes(n) {
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)} MB`;
  if (n >= 1e3) return `${(n / 1e3).toFixed(1)} kB`;
  return `${n} bytes`;
}

const clock = (at) => new Date(at).toLocaleTimeString('en-GB');

// Positions are numbers of a fixed length; the zeros in front tell nothing.
const short = (position) => position.replace(/^0+(?=[0-9a-f])/i, '');

// state is one of ok, behind, held, cut, stopped, and the sentence that goes with it.
function stateOf(r) {
  if (!r.running) return ['stopped', 'the machine is stopped'];
  if (r.cut) return ['cut', 'cut off from the other regions'];
  if (r.problem) return ['behind', r.problem];
  if (r.no_database) return ['ok', r.primary ? 'the primary region' : 'requests are answered here'];
  if (r.primary) return ['ok', 'writes are made here'];
  if (r.held && r.behind) return ['held', `held back; behind for ${duration(r.lag_ms)}`];
  if (r.held) return ['held', 'held back; nothing missing yet'];
  if (r.behind) return ['behind', `behind for ${duration(r.lag_ms)}`];
  return ['ok', 'has every write'];
}

function decisionOf(hop) {
  if (hop.problem) return `no whole answer: ${hop.problem}`;
  if (hop.action === 'home') return `sent home: ${hop.words}`;
  if (hop.words) return `served: ${hop.words}`;
  return hop.replayed ? 'asked for a replay' : `answered ${hop.status}, and did not say why here`;
}

// --- regions ---------------------------------------------------------------

function showRegions(regions) {
  const cards = document.querySelectorAll('.card');
  const same = cards.length === regions.length && regions.every((r, i) => r.region === cards[i].dataset.region);
  if (!same) return location.reload(); // another world runs here now
  showHome(regions);
  regions.forEach((r, i) => showRegion(cards[i], r));
}

// showHome notes where the primary is now: it can move.
function showHome(regions) {
  const home = regions.find((r) => r.primary)?.region;
  if (!home || home === primary) return;
  primary = home;
  for (const at of document.querySelectorAll('[data-home]')) at.textContent = home;
}

// lag is a time, and where the database counts, what is missing.
function lagOf(r) {
  if (r.primary || !r.running || r.no_database) return '–';
  return r.lag_bytes === null ? duration(r.lag_ms) : `${duration(r.lag_ms)}, ${bytes(r.lag_bytes)}`;
}

// machinesOf names the region's machines, and says of each that gets no requests why.
function machinesOf(r) {
  if ((r.machines ?? []).length < 2) return r.machine;
  return r.machines.map((m) => m.id + (m.ready ? '' : m.running ? ' (not ready)' : ' (stopped)')).join(', ');
}

// checksOf are a region's checks with the words for each. They decide nothing.
function checksOf(r) {
  const machines = r.machines ?? [];
  return machines.flatMap((m, i) => (m.checks ?? []).map((c) => {
    const name = machines.length > 1 ? `${r.region}/${i + 1} ${c.name}` : c.name;
    const why = [c.problem, c.output].filter(Boolean).join(': ');
    return { name, state: c.state, why: why || (c.state === 'unknown' ? 'not asked yet' : '') };
  }));
}

function showChecks(card, all) {
  const list = part(card, 'checks');
  const now = JSON.stringify(all);
  if (list.dataset.now === now) return; // a selection in it survives
  list.dataset.now = now;
  list.hidden = all.length === 0;
  list.replaceChildren(...all.map((c) => {
    const li = element('li', c.state, '');
    li.append(element('span', 'dot', ''), element('b', '', c.name), ` ${c.state} `, element('span', 'why', c.why));
    li.title = c.why;
    return li;
  }));
}

function showRegion(card, r) {
  cities.set(r.region, r.city);
  const [state, sentence] = stateOf(r);
  card.dataset.state = state;
  put(card, 'sentence', sentence, sentence);
  put(card, 'role', r.running ? r.role : 'stopped');
  put(card, 'distance', r.primary ? 'here' : duration(r.distance_ms), `a round trip to ${primary}`);
  put(card, 'lag', lagOf(r));
  put(card, 'position', short(r.position) || '–', r.position);
  put(card, 'waiting', String(r.waiting));
  put(card, 'machine', machinesOf(r), (r.machines ?? []).map((m) => `${m.id} at ${m.addr}`).join(', ') || r.machine);
  showChecks(card, checksOf(r));
  setSwitch(card, 'held', r.held);
  setSwitch(card, 'cut', r.cut);
  setSwitch(card, 'stopped', !r.running);
  for (const name of ['held', 'primary']) { // these are for replicas
    card.querySelector(`[data-switch="${name}"]`)?.toggleAttribute('hidden', r.primary);
  }
}

function setSwitch(card, name, on) {
  card.querySelector(`[data-switch="${name}"]`)?.setAttribute('aria-checked', String(on));
}

function verbOf(button) {
  const on = button.getAttribute('aria-checked') === 'true';
  switch (button.dataset.switch) {
    case 'held': return on ? 'release' : 'hold';
    case 'cut': return on ? 'reconnect' : 'cut';
    case 'primary': return 'promote';
    default: return on ? 'start' : 'stop';
  }
}

// A switch asks; how it stands comes back with the next event.
async function flip(button) {
  const verb = verbOf(button);
  const region = button.closest('.card').dataset.region;
  button.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(`/regions/${region}/${verb}`, { method: 'POST' });
    refused(answer.ok ? '' : await answer.text());
  } catch {
    refused(`${verb} ${region}: nobody answered`);
  }
  button.removeAttribute('aria-busy');
}

function refused(text) {
  byId('refused').textContent = text;
}

// --- journeys --------------------------------------------------------------

function showJourneys(journeys, fresh) {
  const list = byId('journeys');
  if (fresh) list.replaceChildren();
  for (const j of journeys) {
    const row = journeyRow(j);
    if (!fresh) row.className = 'new';
    list.prepend(row);
  }
  while (list.children.length > keep) list.lastElementChild.remove();
  byId('none').hidden = list.children.length > 0;
}

function journeyRow(j) {
  const row = byId('journey').content.firstElementChild.cloneNode(true);
  put(row, 'method', j.method);
  put(row, 'path', j.path, j.path);
  put(row, 'time', clock(j.at), j.at);
  part(row, 'time').dateTime = j.at;
  put(row, 'status', (j.status ? String(j.status) : 'cut') + (j.code ? ` ${j.code}` : ''), j.id);
  if (j.code || j.status === 0 || j.status >= 500) part(row, 'status').className = 'bad';
  put(row, 'user', `${cities.get(j.edge) ?? j.edge} (${j.edge})`);
  j.hops.forEach((hop, i) => {
    if (i > 0) part(row, 'hops').append(element('span', 'arrow', ' → '));
    part(row, 'hops').append(hopChip(hop));
    part(row, 'reasons').append(hopReason(hop));
  });
  if (j.problem) part(row, 'reasons').append(element('li', 'bad', j.problem));
  compare(row, j);
  return row;
}

function hopChip(hop) {
  const chip = element('span', hop.problem ? 'hop bad' : hop.replayed ? 'hop' : 'hop answered', `${hop.region} `);
  chip.append(element('b', '', duration(hop.took_ms)));
  chip.title = `machine ${hop.machine}, asked after ${duration(hop.start_ms)}; ${duration(hop.way_ms)} of its time is the way`;
  return chip;
}

function hopReason(hop) {
  const li = element('li', hop.problem ? 'bad' : '', '');
  li.append(element('code', '', hop.region), ` ${decisionOf(hop)}`);
  const facts = [];
  if (hop.wanted) facts.push(`wanted ${short(hop.wanted)}`, `found ${short(hop.found) || 'nothing'}`);
  if (hop.waited_ms > 0) facts.push(`waited ${duration(hop.waited_ms)}`);
  if (facts.length > 0) {
    const at = element('span', 'positions', `(${facts.join(', ')})`);
    if (hop.wanted) at.title = `wanted ${hop.wanted}, found ${hop.found || 'nothing'}`;
    li.append(' ', at);
  }
  return li;
}

function compare(row, j) {
  put(row, 'took', duration(j.took_ms));
  if (j.at_home_ms === null) {
    put(row, 'tookLabel', 'ended after');
    row.querySelector('.compare').classList.add('alone');
    return;
  }
  const longest = Math.max(j.took_ms, j.at_home_ms, 0.001);
  put(row, 'homeLabel', `everything in ${primary}`);
  put(row, 'home', `~ ${duration(j.at_home_ms)}`, 'an estimate');
  part(row, 'tookBar').style.inlineSize = `${100 * j.took_ms / longest}%`;
  part(row, 'homeBar').style.inlineSize = `${100 * j.at_home_ms / longest}%`;
  const [text, kind] = factor(j.took_ms, j.at_home_ms);
  put(row, 'factor', text);
  part(row, 'factor').classList.add(kind);
}

// factor says how much was saved, or lost. Nobody feels 2 ms, and an estimate is
// not that exact.
function factor(took, home) {
  const times = (n) => `${n.toFixed(n >= 9.95 ? 0 : 1)}×`;
  if (Math.abs(home - took) < 2 || Math.abs(home / took - 1) < 0.05) return ['about the same', 'same'];
  return home > took ? [`${times(home / took)} faster`, 'faster'] : [`${times(took / home)} slower`, 'slower'];
}

// --- the connection --------------------------------------------------------

function connected(yes) {
  const at = byId('connection');
  at.textContent = yes ? 'live' : 'disconnected, retrying';
  at.className = yes ? 'live' : 'lost';
  document.body.classList.toggle('stale', !yes);
}

function listen() {
  let fresh = true; // the next journeys are all there are
  const events = new EventSource('/events');
  events.onopen = () => { fresh = true; connected(true); };
  events.addEventListener('regions', (e) => showRegions(JSON.parse(e.data)));
  events.addEventListener('journeys', (e) => { showJourneys(JSON.parse(e.data), fresh); fresh = false; });
  events.onerror = () => {
    connected(false);
    if (events.readyState !== EventSource.CLOSED) return; // it tries again by itself
    events.close();
    setTimeout(listen, 2000);
  };
}

document.addEventListener('click', (e) => {
  const button = e.target.closest('[data-switch]');
  if (button && button.getAttribute('aria-busy') !== 'true') flip(button);
});
listen();
