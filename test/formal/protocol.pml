/*
 * How workers share tasks: claim, heartbeat, lose, rescue, settle, shutdown, retry.
 * README.md tells what stands for what, and what is left out. `npm run formal` checks it.
 *
 * One step is one transaction, or the part of one between two locks of a row in `workers`.
 * Almost everything is a global, so that a crash takes one step and needs no unwinding.
 */

/* Bounds: each may be set by -D. Faults, releases and retries are spent for good. */
#ifndef TASKS
#define TASKS 2
#endif
#ifndef FAULTS          /* processes killed, leases of stalled workers over, connections lost */
#define FAULTS 1
#endif
#ifndef LOST_ANSWERS    /* of a claim or a settle */
#define LOST_ANSWERS 1
#endif
#ifndef STOPS           /* orderly shutdowns */
#define STOPS 1
#endif
#ifndef RELEASES        /* snoozes, and tasks given back that waited too long */
#define RELEASES 1
#endif
#ifndef RETRIES         /* of an operator */
#define RETRIES 1
#endif
#ifndef SQUATS          /* locks of workers that a stranger takes, of those that are free */
#define SQUATS 0
#endif
#ifndef LEASES          /* 0: none runs out, and no host vanishes with its sessions left open */
#define LEASES 1
#endif
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 2
#endif
#ifndef MAX_RESCUES
#define MAX_RESCUES 2
#endif
#ifndef SESSIONS        /* 0: behind a transaction pooler, where nobody has a session lock */
#define SESSIONS 1
#endif
#define SLOTS 2
/* Rows in `workers`, beside row 0, which is none: enough for a new life after each fault. */
#define LIVES (SLOTS + FAULTS + STOPS + 1)

/* Properties. ONLY, by -D, is the one to check; 0 is all. */
#define ONE_END 1
#define HOLDER 2
#define DEAD 3
#define CAUSE 4
#define ORPHAN 5
#define LEFT 6
#ifndef ONLY
#define ONLY 0
#endif
#define PROPERTY(name, broken) assert((ONLY != 0 && ONLY != name) || !(broken))

/* What settling asks of the row; the last one is the protocol's. */
#if defined(FENCE_WITHOUT_ATTEMPT)
#define FENCE(w, t, a) (status[t] == STARTED)
#elif defined(FENCE_BY_WORKER)
#define FENCE(w, t, a) (status[t] == STARTED && holder[t] == w)
#elif defined(FENCE_WITHOUT_STATUS)
#define FENCE(w, t, a) ((status[t] == STARTED || status[t] == QUEUED) && count[t] == a)
#else
#define FENCE(w, t, a) (status[t] == STARTED && count[t] == a)
#endif

/* live_tasks and final_tasks */
#define QUEUED 0
#define STARTED 1
#define FINISHED 2
#define FAILED 3
byte status[TASKS];
byte count[TASKS];      /* attempt_count */
byte failures[TASKS];   /* failure_count */
byte rescues[TASKS];    /* rescue_count */
byte holder[TASKS];     /* worker_id */
short closed[TASKS];    /* for the properties: bit n, attempt n has an end */
/* claims: bit t, a row of the worker has task t, which it may hold no longer */
byte noted[LIVES];

/* workers */
#define FREE 0
#define SESSION 1       /* held by the worker's own session */
#define LOOKING 2       /* held by the transaction of a rescue */
#define SQUATTED 3      /* held for good by a stranger, who may take any lock that is free */
byte lives = SLOTS;     /* rows so far */
bit ended[LIVES];       /* ended_at is set */
bit over[LIVES];        /* heartbeat_at is older than the lease */
bit suspected[LIVES];   /* lock_lost_at is set */
bit has_lock[LIVES] = { 0, SESSIONS, SESSIONS }; /* has_session_lock */
byte session[LIVES] = { FREE, SESSIONS, SESSIONS }; /* the advisory lock of the row */
bit there[LIVES] = { 0, SESSIONS, SESSIONS };  /* the server process in session_pid, which serves the worker */
bit once[LIVES] = { 0, SESSIONS, SESSIONS }; /* session_pid is set */
bit locked[LIVES];      /* a rescue holds the row for update */
bit gone[LIVES];        /* its process was killed, which no column tells */

/* Processes of workers, one in each slot */
#define DOWN 0
#define UP 1
#define STOPPING 2
byte mode[SLOTS] = { UP, UP }; /* later lives begin step by step */
byte id[SLOTS] = { 1, 2 }; /* its row in workers */

/* The claim of a slot at the server, which may outlive the process that sent it */
#define IDLE 0
#define SENT 1
#define CHECKED 2       /* the worker's row was found, and is share-locked */
#define ANSWERED 3
byte claim[SLOTS];
byte claimer[SLOTS];    /* the worker it was sent for */
bit awaited[SLOTS];     /* somebody waits for the answer */
byte claimed[SLOTS];    /* in the answer: 1 + the task, or 0 */
byte claimed_no[SLOTS]; /* and its attempt */
#define IN_CLAIM(w) ((claim[0] == CHECKED && claimer[0] == w) || (claim[1] == CHECKED && claimer[1] == w))
#ifdef CLAIM_WITHOUT_LOCK
#define SHARED(w) false
#else
#define SHARED(w) IN_CLAIM(w)
#endif

/* What a process knows of its attempts, at [slot * TASKS + task] */
#define RUNNING 1
#define FINISH 2
#define FAIL 3
#define RELEASE 4
#define RECORDED 4      /* added: the statement was made, its answer is on the way */
byte mine[SLOTS * TASKS];
byte phase[SLOTS * TASKS];

/* A settle that the server makes after its process gave it up */
byte late_worker, late_task, late_no, late_outcome;

/* The rescue of a slot: look, lock, take back */
#define SEEN_DEAD 1
#define DECLARING 2
byte rescue[SLOTS];
byte suspect[SLOTS];
bit by_lock[SLOTS];     /* found by its session, which is gone, else by its lease */
bit looking[SLOTS];     /* has the lock of the suspect */

byte faults = FAULTS;
byte lost_answers = LOST_ANSWERS;
byte stops = STOPS;
byte releases = RELEASES;
byte retries = RETRIES;
byte squats = SQUATS;

hidden byte k;
hidden byte w;

#define HELD_BY_THE_GONE ((status[0] == STARTED && gone[holder[0]]) || \
  (status[TASKS - 1] == STARTED && gone[holder[TASKS - 1]]))
#define GONE_FRESH(i) (LEASES && i < LIVES && gone[i % LIVES] && !ended[i % LIVES] && !over[i % LIVES])
#define IS_FINAL(t) (status[t] >= FINISHED)
#define ALL_FINAL (IS_FINAL(0) && IS_FINAL(TASKS - 1))
/* A process gets a task anew when it has settled what it had of it, or the server does so late. */
#define MAY_TAKE(p, t) (status[t] == QUEUED && mine[p * TASKS + t] == 0)
#define DUE(p) (MAY_TAKE(p, 0) || MAY_TAKE(p, (TASKS - 1)))
#define KNOWN(p, t) (mine[p * TASKS + t] == count[t])
/* held_task_ids: by the rows of claims, each checked by the task */
#define NOTED(worker, t) ((noted[worker] >> t) & 1)
#define HOLDS(worker, t) (NOTED(worker, t) && status[t] == STARTED && holder[t] == worker)
#define UNKNOWN(p, t) (HOLDS(id[p], t) && !KNOWN(p, t))
/* tidy_claims: what a row has and its worker does not hold */
#ifdef TIDY_WITHOUT_LOOK
#define TO_TIDY(worker) (noted[worker])
#else
#define TO_TIDY(worker) (noted[worker] & ~(HOLDS(worker, 0) | (HOLDS(worker, (TASKS - 1)) << (TASKS - 1))))
#endif

/* The end of an attempt is written to history. */
inline close(t, no) {
  PROPERTY(ONE_END, (closed[t] >> no) & 1);
  closed[t] = closed[t] | (1 << no)
}

inline put_back(t) {
  status[t] = QUEUED;
  holder[t] = 0;
#ifdef RELEASE_LOWERS_ATTEMPT
  count[t] = count[t] - 1
#endif
}

inline forget(i) {
  mine[i] = 0;
  phase[i] = 0
}

/* settle_tasks, for one attempt: finish, fail with retry, release or snooze */
inline settle(worker, t, no, outcome) {
  if
  :: FENCE(worker, t, no) ->
    PROPERTY(HOLDER, status[t] != STARTED || holder[t] != worker || count[t] != no);
    PROPERTY(DEAD, ended[worker]);
    if
    :: no != count[t] -> close(t, no)
    :: else
    fi;
    close(t, count[t]);
    if
    :: outcome == FINISH -> status[t] = FINISHED; holder[t] = 0
    :: outcome == FAIL ->
      failures[t] = failures[t] + 1;
      holder[t] = 0;
      if
      :: failures[t] >= MAX_ATTEMPTS -> status[t] = FAILED
      :: else -> status[t] = QUEUED
      fi
    :: else -> put_back(t)
    fi
  :: else /* an expected race: absent from the answer */
  fi
}

/* The row needs no more of its worker; fewer states. */
inline end_row(worker) {
  ended[worker] = 1;
  noted[worker] = 0;
  over[worker] = 0;
  suspected[worker] = 0;
  gone[worker] = 0;
  once[worker] = 0;
  has_lock[worker] = 0
}

/* The session of a worker ends, and its lock is free. */
inline leave(worker) {
  there[worker] = 0;
  if
  :: session[worker] == SESSION -> session[worker] = FREE
  :: else
  fi
}

/* The server makes the settle later, if there is one to make; one at a time. */
inline keep_late(p, t) {
  if
  :: late_worker == 0 && phase[p * TASKS + t] >= FINISH && phase[p * TASKS + t] <= RELEASE ->
    late_worker = id[p]; late_task = t;
    late_no = mine[p * TASKS + t]; late_outcome = phase[p * TASKS + t]
  :: else
  fi
}

/* The process is gone: what it sent may be made all the same. */
inline lose_process(p) {
  keep_late(p, 0);
  keep_late(p, (TASKS - 1));
  k = 0;
  do
  :: k < TASKS -> forget(p * TASKS + k); k++
  :: else -> break
  od;
  k = 0;
  mode[p] = DOWN;
  id[p] = 0;
  awaited[p] = 0
}

/* claim_tasks at the server */
active [SLOTS] proctype Claim() {
  byte p = _pid;
end:
  do
  /* The look at the worker's row, for key share: waits while a rescue holds it. */
#ifdef CLAIM_WITHOUT_LOCK
  :: d_step { claim[p] == SENT ->
#else
  :: d_step { claim[p] == SENT && !locked[claimer[p]] ->
#endif
      if
      :: ended[claimer[p]] -> claim[p] = ANSWERED
      :: else -> claim[p] = CHECKED
      fi }
  :: atomic { claim[p] == CHECKED ->
      if
      :: MAY_TAKE(p, 0) -> claimed[p] = 1
      :: TASKS > 1 && MAY_TAKE(p, (TASKS - 1)) -> claimed[p] = TASKS
      :: !DUE(p) -> claimed[p] = 0
      fi;
      d_step {
        if
        :: claimed[p] > 0 ->
          w = claimed[p] - 1;
          PROPERTY(ORPHAN, ended[claimer[p]]);
          status[w] = STARTED;
          count[w] = count[w] + 1;
          assert(count[w] < 15);
          holder[w] = claimer[p];
          noted[claimer[p]] = noted[claimer[p]] | (1 << w);
          claimed_no[p] = count[w];
          w = 0
        :: else
        fi;
        claim[p] = ANSWERED } }
  /* Nobody waits: the answer is gone. */
  :: d_step { claim[p] == ANSWERED && !awaited[p] ->
      claim[p] = IDLE; claimer[p] = 0; claimed[p] = 0; claimed_no[p] = 0 }
  od
}

/* The loop that claims: src/worker/process.ts, claim-loop.ts, lost-claims.ts, lifecycle.ts */
active [SLOTS] proctype Worker() {
  byte p = _pid - SLOTS;
end:
  do
  /* A process starts: register_worker */
  :: d_step { mode[p] == DOWN && lives + 1 < LIVES ->
      lives++;
      id[p] = lives;
      mode[p] = UP }
  :: d_step { mode[p] == UP && claim[p] == IDLE && DUE(p) ->
      claim[p] = SENT; claimer[p] = id[p]; awaited[p] = 1 }
  :: d_step { awaited[p] && claim[p] == ANSWERED ->
      if
      :: claimed[p] > 0 ->
        mine[p * TASKS + claimed[p] - 1] = claimed_no[p];
        phase[p * TASKS + claimed[p] - 1] = RUNNING
      :: else
      fi;
      awaited[p] = 0; claim[p] = IDLE; claimer[p] = 0; claimed[p] = 0; claimed_no[p] = 0 }
  /* The connection breaks: made, to be made, or never arrived. */
  :: atomic { awaited[p] && lost_answers > 0 ->
      lost_answers--; awaited[p] = 0;
      if
      :: claim[p] == SENT -> claim[p] = IDLE; claimer[p] = 0
      :: true
      fi }
#ifndef CLAIMS_NEVER_LOOKED_FOR
  /* release_unknown_tasks: for update on the row, so not beside a claim being made */
  :: d_step { mode[p] == UP && !awaited[p] && (UNKNOWN(p, 0) || UNKNOWN(p, TASKS - 1)) &&
      !SHARED(id[p]) && !locked[id[p]] ->
      k = 0;
      do
      :: k < TASKS ->
        if
        :: UNKNOWN(p, k) -> close(k, count[k]); put_back(k)
        :: else
        fi;
        k++
      :: else -> break
      od;
      k = 0 }
#endif
  /* end_worker: for update on the row. What still runs is released with it, its end unsent. */
  :: d_step { mode[p] == STOPPING && !SHARED(id[p]) && !locked[id[p]] ->
      k = 0;
      do
      :: k < TASKS ->
        if
        :: HOLDS(id[p], k) && !ended[id[p]] ->
          close(k, count[k]); put_back(k)
        :: else
        fi;
        k++
      :: else -> break
      od;
      k = 0;
      end_row(id[p]);
      leave(id[p]); has_lock[id[p]] = 0;
      lose_process(p) }
  od
}

/* An attempt and its settle: src/worker/attempt.ts, settler.ts */
active [SLOTS * TASKS] proctype Attempt() {
  byte i = _pid - 2 * SLOTS;
end:
  do
  :: atomic { phase[i] == RUNNING ->
      if
      :: phase[i] = FINISH
      :: phase[i] = FAIL
      :: releases > 0 -> releases--; phase[i] = RELEASE
      :: mode[i / TASKS] == STOPPING -> phase[i] = RELEASE
      fi }
  :: d_step { phase[i] >= FINISH && phase[i] <= RELEASE ->
      settle(id[i / TASKS], (i % TASKS), mine[i], phase[i]);
      if
      :: lost_answers > 0 -> phase[i] = phase[i] + RECORDED
      :: else -> forget(i)
      fi }
  :: d_step { phase[i] > RELEASE -> forget(i) }
  /* The answer is lost: sent again, and made whenever the server comes to it. */
  :: d_step { phase[i] > RELEASE && lost_answers > 0 && late_worker == 0 ->
      lost_answers--;
      late_worker = id[i / TASKS]; late_task = i % TASKS;
      late_no = mine[i]; late_outcome = phase[i] - RECORDED;
      forget(i) }
  /* The connection is lost before it was made: sent again, and the first one is made later. */
  :: d_step { phase[i] >= FINISH && phase[i] <= RELEASE && lost_answers > 0 && late_worker == 0 ->
      lost_answers--;
      late_worker = id[i / TASKS]; late_task = i % TASKS; late_no = mine[i]; late_outcome = phase[i] }
  od
}

active proctype LateSettle() {
end:
  do
  :: d_step { late_worker > 0 ->
      settle(late_worker, late_task, late_no, late_outcome);
      late_worker = 0; late_task = 0; late_no = 0; late_outcome = 0 }
  od
}

/* heartbeat-thread.ts: the lock first, then the beat. Beats that change nothing are no steps. */
active [SLOTS] proctype Heartbeat() {
  byte p = _pid - 2 * SLOTS - SLOTS * TASKS - 1;
end:
  do
  /* lock_worker: without the lock, which somebody else has, the session alone shows life */
  :: d_step { SESSIONS && mode[p] != DOWN && (!there[id[p]] || session[id[p]] == FREE) && !locked[id[p]] ->
      there[id[p]] = 1;
      once[id[p]] = 1;
      if
      :: session[id[p]] == FREE -> session[id[p]] = SESSION
      :: else
      fi;
      if
      :: !ended[id[p]] ->
        has_lock[id[p]] = (session[id[p]] == SESSION);
        suspected[id[p]] = 0
      :: else
      fi }
  /* heartbeat_worker */
  :: d_step { mode[p] != DOWN && (!SESSIONS || there[id[p]]) && !locked[id[p]] &&
      (over[id[p]] || suspected[id[p]]) ->
      over[id[p]] = 0; suspected[id[p]] = 0 }
  /* the same, tidy_claims: with the row locked, so not beside a rescue */
  :: d_step { mode[p] != DOWN && (!SESSIONS || there[id[p]]) && !locked[id[p]] && !ended[id[p]] &&
      TO_TIDY(id[p]) ->
      noted[id[p]] = noted[id[p]] & ~TO_TIDY(id[p]) }
  /* It is told that it was declared dead, drops what it runs, and starts over. */
  :: d_step { mode[p] == UP && ended[id[p]] ->
      leave(id[p]); has_lock[id[p]] = 0;
      lose_process(p) }
  od
}

/* declare_dead looks again whether the row is as it was. */
#if defined(RESCUE_WITHOUT_LOOK) || defined(RESCUE_WITHOUT_SECOND_LOOK)
#define UNMOVED(i) (true)
#else
#define UNMOVED(i) ((by_lock[p] && suspected[i]) || (!by_lock[p] && over[i]))
#endif

/* What a look at a row finds worth a step. */
#ifdef RESCUE_WITHOUT_LOOK
#define IS_OVER(i) (!ended[i])
#else
#define IS_OVER(i) (over[i])
#endif
/* has_session: a lock that cannot be had shows life only while the worker's process is there. */
#ifdef RESCUE_BY_LOCK_ALONE
#define LOST_SESSION(i) (has_lock[i] && session[i] == FREE)
#else
#define LOST_SESSION(i) (once[i] && !there[i])
#endif
#define SHOWS(i) (i <= lives && !ended[i] && (IS_OVER(i) || \
  (!locked[i] && (LOST_SESSION(i) || (suspected[i] && there[i])))))
#if LIVES > 8
#error "more lives than rows that are looked at"
#endif
#define ROW_SHOWS(i) (i < LIVES && SHOWS((i % LIVES)))
#define LATER_SHOWS(i) ((i < 2 && ROW_SHOWS(2)) || (i < 3 && ROW_SHOWS(3)) || (i < 4 && ROW_SHOWS(4)) || \
  (i < 5 && ROW_SHOWS(5)) || (i < 6 && ROW_SHOWS(6)) || (i < 7 && ROW_SHOWS(7)))
#define SOME_SHOW (ROW_SHOWS(1) || LATER_SHOWS(1))

/* rescue_tasks: declare_dead_workers looks without a lock, declare_dead looks again */
active [SLOTS] proctype Rescue() {
  byte p = _pid - 3 * SLOTS - SLOTS * TASKS - 1;
  byte i;
end:
  do
  :: atomic { mode[p] == UP && rescue[p] == IDLE && SOME_SHOW ->
      i = 1;
      do
      :: !SHOWS(i) -> i++
      :: SHOWS(i) -> break
      :: SHOWS(i) && LATER_SHOWS(i) -> i++
      od;
      if
      :: d_step { IS_OVER(i) -> rescue[p] = SEEN_DEAD; suspect[p] = i }
      :: d_step { !IS_OVER(i) && LOST_SESSION(i) && !suspected[i] -> suspected[i] = 1 }
      :: d_step { !IS_OVER(i) && LOST_SESSION(i) && suspected[i] ->
          if
          :: session[i] == FREE -> session[i] = LOOKING; looking[p] = 1
          :: else /* a stranger has it, or another rescue */
          fi;
          rescue[p] = SEEN_DEAD; suspect[p] = i; by_lock[p] = 1 }
      :: d_step { !IS_OVER(i) && !LOST_SESSION(i) -> suspected[i] = 0 }
      fi;
      i = 0 }
  /* declare_dead: for update skip locked, unless the row has moved since the look. */
  :: d_step { rescue[p] == SEEN_DEAD ->
      if
      :: !ended[suspect[p]] && !locked[suspect[p]] && !SHARED(suspect[p]) && UNMOVED(suspect[p]) ->
        PROPERTY(CAUSE, !over[suspect[p]] && (there[suspect[p]] || !suspected[suspect[p]]));
        locked[suspect[p]] = 1;
        rescue[p] = DECLARING
      :: else ->
        if
        :: looking[p] -> session[suspect[p]] = FREE
        :: else
        fi;
        rescue[p] = IDLE; suspect[p] = 0; by_lock[p] = 0; looking[p] = 0
      fi }
  /* Its tasks are taken back and its row is ended, at commit. */
  :: d_step { rescue[p] == DECLARING ->
      k = 0;
      do
      :: k < TASKS ->
        if
        :: HOLDS(suspect[p], k) ->
          close(k, count[k]);
          rescues[k] = rescues[k] + 1;
          if
          :: rescues[k] >= MAX_RESCUES -> status[k] = FAILED; holder[k] = 0
          :: else -> status[k] = QUEUED; holder[k] = 0
          fi
        :: else
        fi;
        k++
      :: else -> break
      od;
      k = 0;
      end_row(suspect[p]);
      locked[suspect[p]] = 0;
      if
      :: looking[p] -> session[suspect[p]] = FREE
      :: else
      fi;
      rescue[p] = IDLE; suspect[p] = 0; by_lock[p] = 0; looking[p] = 0 }
  od
}

/* What may go wrong, and orderly shutdowns. It may also leave off. */
active proctype Faults() {
  byte p;
end:
  do
  :: atomic { faults > 0 || stops > 0 ->
      if
      :: p = 0
      :: p = 1
      fi;
      if
      /* kill -9: the session ends with the process, unless the whole host is gone */
      :: mode[p] != DOWN && faults > 0 ->
        faults--;
        if
        :: leave(id[p])
        :: LEASES -> skip
        fi;
        gone[id[p]] = 1;
        if
        :: claim[p] == SENT -> claim[p] = IDLE; claimer[p] = 0
        :: true
        fi;
        d_step { lose_process(p) }
      /* frozen, or cut off: the lease runs out while the process lives */
      :: d_step { mode[p] != DOWN && faults > 0 && !ended[id[p]] -> faults--; over[id[p]] = 1 }
      /* the connection of the heartbeat breaks */
      :: d_step { mode[p] != DOWN && faults > 0 && there[id[p]] -> faults--; leave(id[p]) }
      :: d_step { mode[p] == UP && stops > 0 && !awaited[p] -> stops--; mode[p] = STOPPING }
      :: d_step { p == 0 -> faults = 0; stops = 0 }
      fi;
      p = 0 }
  od
}

/* The lease of a worker whose process is gone runs out. */
active proctype Clock() {
  byte i;
end:
  do
  :: d_step { GONE_FRESH(1) -> over[1] = 1 }
  :: d_step { GONE_FRESH(2) -> over[2] = 1 }
  :: d_step { GONE_FRESH(3) -> over[3] = 1 }
  :: d_step { GONE_FRESH(4) -> over[4] = 1 }
  :: d_step { GONE_FRESH(5) -> over[5] = 1 }
  :: d_step { GONE_FRESH(6) -> over[6] = 1 }
  od
}

/* Anybody who may connect: takes locks of workers as they become free, and keeps them. */
active proctype Squatter() {
end:
  do
  :: d_step { squats > 0 && session[1] == FREE && !ended[1] -> squats--; session[1] = SQUATTED }
  :: d_step { squats > 0 && session[2] == FREE && !ended[2] -> squats--; session[2] = SQUATTED }
  :: d_step { squats > 0 && lives >= 3 && session[3] == FREE && !ended[3] -> squats--; session[3] = SQUATTED }
  od
}

/* retry_task */
active proctype Operator() {
  byte t;
end:
  do
  :: atomic { retries > 0 && (status[0] == FAILED || status[TASKS - 1] == FAILED) ->
      retries--;
      if
      :: status[0] == FAILED -> t = 0
      :: status[TASKS - 1] == FAILED -> t = TASKS - 1
      fi;
      d_step {
        status[t] = QUEUED; failures[t] = 0; rescues[t] = 0;
#ifdef RETRY_RESETS_ATTEMPT
        count[t] = 0;
#endif
        t = 0 } }
  od
}

/* Nothing moves any more: then all must be final, and nothing locked. */
active proctype Watch() {
end:
  do
  :: atomic { timeout ->
      PROPERTY(LEFT, !ALL_FINAL || locked[1] || locked[2] || claim[0] != IDLE || claim[1] != IDLE);
      break }
  od
}

#ifdef LIVENESS
ltl no_lost_task { <> [] ALL_FINAL }
ltl rescued { [] (HELD_BY_THE_GONE -> <> !HELD_BY_THE_GONE) }
#endif
