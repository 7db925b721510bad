// The part that the clients for Node share: reads the argument, runs the loops, measures, prints the result.
// It knows no client. A client hands `run` a function that opens its pool and gives back how to send one
// request: `ask()` resolves to the number of bytes of the body once its end was read, and rejects where the
// request failed or its status was not 200.

import { readFileSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** More failed requests than this and the run is worth nothing. */
const MOST_ERRORS = 100;

/** The longest time that the histogram can tell, in nanoseconds: far beyond any run. */
const LONGEST = 600e9;

export async function run(open) {
    const work = JSON.parse(process.argv[2]);
    if (work.threads !== 1) {
        giveUp('Node has one thread: run it with "threads": 1');
    }
    const tally = new Tally(work.latency);
    const ask = open(target(work));
    const measured = work.requests === null ? await timed(ask, tally, work) : await counted(ask, tally, work.requests);
    const result = { ...measured, errors: tally.errors, latency_us: tally.percentiles() };
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

/** What a client needs to know of the work: where, what, and with how many sockets. */
function target({ url, method, upload, sockets, ca }) {
    const headers = { 'user-agent': 'bench', accept: '*/*' };
    const body = upload > 0 ? Buffer.alloc(upload, 'a') : null;
    if (body !== null) {
        headers['content-length'] = String(upload);
    }
    return { url: new URL(url), method, headers, body, sockets, ca: ca === null ? undefined : readFileSync(ca) };
}

/** Loops that ask again and again: a warm-up, then the measured time. */
async function timed(ask, tally, { tasks, warm_ms, run_ms }) {
    let stop = false;
    const loops = Array.from({ length: tasks }, async () => {
        while (!stop) {
            await tally.once(ask);
        }
    });
    await sleep(warm_ms);
    const finish = tally.start();
    await sleep(run_ms);
    const measured = finish();
    stop = true;
    await Promise.all(loops);
    return measured;
}

/** So many requests, all begun at once on a client that has opened nothing yet. */
async function counted(ask, tally, requests) {
    const finish = tally.start();
    await Promise.all(Array.from({ length: requests }, () => tally.once(ask)));
    return finish();
}

/** Counts what ends between `start` and `finish`; errors count wherever they happen. */
class Tally {
    errors = 0;
    #requests = 0;
    #bytes = 0;
    #measuring = false;
    #times;

    constructor(latency) {
        this.#times = latency ? createHistogram({ lowest: 1, highest: LONGEST, figures: 3 }) : null;
    }

    async once(ask) {
        const begun = this.#times === null ? 0 : performance.now();
        let bytes;
        try {
            bytes = await ask();
        } catch (error) {
            this.#failed(error);
            return;
        }
        if (this.#measuring) {
            this.#requests += 1;
            this.#bytes += bytes;
            this.#times?.record(Math.max(1, Math.round((performance.now() - begun) * 1e6)));
        }
    }

    start() {
        this.#measuring = true;
        const cpu = process.cpuUsage();
        const clock = performance.now();
        return () => {
            const { user, system } = process.cpuUsage(cpu);
            const wall_s = (performance.now() - clock) / 1e3;
            this.#measuring = false;
            return { requests: this.#requests, body_bytes: this.#bytes, wall_s, cpu_s: (user + system) / 1e6 };
        };
    }

    percentiles() {
        const times = this.#times;
        if (times === null || times.count === 0) {
            return null;
        }
        const micros = (nanos) => nanos / 1e3;
        return {
            p50: micros(times.percentile(50)),
            p90: micros(times.percentile(90)),
            p99: micros(times.percentile(99)),
            max: micros(times.max),
        };
    }

    #failed(error) {
        this.errors += 1;
        if (this.errors === 1) {
            console.error('the first failed request:', error);
        }
        if (this.errors > MOST_ERRORS) {
            giveUp(`more than ${MOST_ERRORS} requests failed`);
        }
    }
}

function giveUp(why) {
    console.error(why);
    process.exit(1);
}
