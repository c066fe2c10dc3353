// json-rules-engine on the five rules of `tanhui bench rules`: node bench.js EVENTS ROUNDS
//
// The library decides conditions only: every formula is a function in JavaScript, binary floating point.
// Prints what peer-rules prints.
'use strict'
const fs = require('node:fs')
const { Engine } = require('json-rules-engine')

const rush = second => (second >= 25200 && second < 32400) || (second >= 61200 && second < 68400)
const left = (limit, granted) => Math.max(limit - granted, 0)
const campaign = day => day >= 739707 && day < 739768
const districts = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6']
const FACTOR = { metal: 2, glass: 0.5 }

const RULES = {
  metro: {
    conditions: [
      { fact: 'distance', operator: 'greaterThan', value: 0 },
      { fact: 'district', operator: 'in', value: districts }],
    points: e => Math.min(
      Math.floor(e.distance * 150.8 * (rush(e.second) ? 1.5 : 1) / 100), left(200, e.granted))
  },
  waste: {
    conditions: [
      { fact: 'weight', operator: 'greaterThanInclusive', value: 0.1 },
      { fact: 'times_granted', operator: 'lessThan', value: 3 }],
    points: e => Math.min(
      Math.floor(Math.max(1, e.weight * 1370 * (FACTOR[e.kind] || 1) / 200) * (e.clean ? 1.2 : 1) + 0.5),
      left(500, e.granted_month))
  },
  pv: {
    conditions: [{ fact: 'used', operator: 'lessThanInclusive', value: { fact: 'made' } }],
    points: e => Math.min(
      Math.floor((e.made + e.used) / 2 * 0.8), left(50, e.granted), left(1000, e.granted_month))
  },
  home: {
    conditions: [{ fact: 'persons', operator: 'greaterThan', value: 0 }],
    points: e => {
      const baseline = e.persons * 3.2
      const saved = e.used < baseline ? baseline - e.used : Math.max(0, e.usual - e.used)
      return Math.min(Math.floor(saved * (e.civilday >= 739617 ? 515.3 : 570.3) / 50), left(100, e.granted))
    }
  },
  stack: {
    conditions: [{ fact: 'distance', operator: 'greaterThan', value: 0 }],
    points: e => {
      const most = left(300, e.granted)
      const plain = Math.min(Math.floor(e.distance * 150.8 * (rush(e.second) ? 1.5 : 1) / 100), most)
      const doubled = Math.min(Math.floor(e.distance * 150.8 * 2 / 100), most)
      const raised = Math.min(Math.max(doubled - plain, 0), left(500000, e.campaign_issued))
      const extra = campaign(e.civilday) ? raised : 0
      return Math.min(plain + extra, left(20000000, e.issued))
    }
  }
}
const NEEDS = {
  metro: ['distance', 'second', 'granted'],
  waste: ['weight', 'kind', 'clean', 'granted_month'],
  pv: ['made', 'used', 'granted', 'granted_month'],
  home: ['used', 'persons', 'usual', 'civilday', 'granted'],
  stack: ['distance', 'second', 'civilday', 'granted', 'campaign_issued', 'issued']
}

function engine (name) {
  const { conditions, points } = RULES[name]
  const made = new Engine()
  made.addRule({ conditions: { all: conditions }, event: { type: name } })
  made.addFact('points', async (params, almanac) => {
    const event = {}
    for (const fact of NEEDS[name]) event[fact] = await almanac.factValue(fact)
    return points(event)
  })
  return made
}

const CONTEXT = {
  metro: e => ({ second: e.second, granted: 0 }),
  waste: e => ({ granted_month: 0, times_granted: 0 }),
  pv: e => ({ granted: 0, granted_month: 0 }),
  home: e => ({ civilday: e.day, usual: e.usual, granted: 0 }),
  stack: e => ({ second: e.second, civilday: e.day, granted: 0, campaign_issued: 0, issued: 0 })
}

async function measure (rule, way, rounds, events, facts) {
  const made = engine(rule)
  const decide = async event => {
    const { events, almanac } = await made.run(facts(event))
    return events.length ? almanac.factValue('points') : 0
  }
  let differing = 0
  let sum = 0
  for (const event of events) {
    const points = await decide(event)
    differing += points !== event.points ? 1 : 0
    sum += points
  }
  const nanoseconds = []
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint()
    let again = 0
    for (const event of events) again += await decide(event)
    nanoseconds.push(Number(process.hrtime.bigint() - start) / events.length)
    if (again !== sum) throw new Error(`${rule}: ${again} points, ${sum} before`)
  }
  console.log(JSON.stringify({ engine: 'json-rules-engine 7.3.1', rule, way, nanoseconds, differing }))
}

async function main () {
  const [path, rounds] = process.argv.slice(2)
  for (const { rule, events } of JSON.parse(fs.readFileSync(path, 'utf8'))) {
    const context = CONTEXT[rule]
    for (const event of events) event.text = JSON.stringify(event.data)
    await measure(rule, 'typed', Number(rounds), events, e => ({ ...e.data, ...context(e) }))
    await measure(rule, 'json', Number(rounds), events, e => ({ ...JSON.parse(e.text), ...context(e) }))
  }
}

main().catch(error => {
  console.error(String(error))
  process.exit(1)
})
