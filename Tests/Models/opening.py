"""Opening, resuming and taking over, with an attacker that replays and an acceptor that restarts.

One client dials at most three times; old connections stay half open with what is queued in them.
The application counts the bytes it was given and how often it was started.
"""

MAXC = 3


def model(RECHECK, POS, PEND, STARTOVER, CRASH, ATT=True, OLDFROZEN=False, UNK_BADMAC=True):
    # state: client, sessions, conns, rec, log(server app log), effects, crashes, attacker effect flag
    # client: (phase,sid,confirmSent,got,n,conn,acked)
    # sessions: tuple of (sid,st,n,att,rpos)
    # conns: tuple of (id,own,c2s,s2c,copen,ctx)
    init = (("new", None, False, False, 0, None, 0), (), (), frozenset(), (), 0, 0, None, 0)

    def step(S):
        cl, ss, cs, rec, log, eff, cr, flag, nsid = S
        out = []
        ph, sid, conf, got, n, cc, ack = cl
        sd = {x[0]: x for x in ss}
        cd = {x[0]: x for x in cs}
        nc = sum(1 for x in cs if x[1] == "c")

        def mk(cl=cl, sd=sd, cd=cd, rec=rec, log=log, eff=eff, cr=cr, flag=flag, nsid=nsid):
            # forget fully dead conns (keep a stub for counting)
            v = []
            for k in sorted(cd):
                c = cd[k]
                if (
                    not c[4]
                    and (c[5] == "closed" or not c[2])
                    and not (isinstance(c[5], tuple) and c[5][0] == "att")
                ):
                    c = (c[0], c[1], (), (), False, "closed")
                v.append(c)
            return (cl, tuple(sd[k] for k in sorted(sd)), tuple(v), rec, log, eff, cr, flag, nsid)

        def upd(d, k, v):
            d = dict(d)
            d[k] = v
            return d

        # client dials
        if ph in ("new", "det") and nc < MAXC:
            cid = nc
            if ph == "new":
                m = ("OPEN", cid)
                c = (cid, "c", (m,), (), True, None)
                out.append(
                    (
                        f"C dials c{cid} OPEN",
                        0,
                        mk(cl=("wo", None, False, False, 0, cid, 0), cd=upd(cd, cid, c)),
                    )
                )
            else:
                m = ("RESUME", sid, n + 1, cid)
                c = (cid, "c", (m,), (), True, None)
                out.append(
                    (
                        f"C dials c{cid} RESUME n={n+1}",
                        0,
                        mk(
                            cl=("wr", sid, conf, got, n + 1, cid, ack),
                            cd=upd(cd, cid, c),
                            rec=rec | {m},
                        ),
                    )
                )
        # client abandons its connection (thinks it dead); server may still read what is queued
        if cc is not None and ph not in ("lost",):
            c = cd[cc]
            c2 = (c[0], c[1], c[2], (), False, c[5])
            np = "det" if sid is not None else "new"
            dead = c[5] == "closed" and not c[3]
            out.append(
                (
                    f"C loses c{cc}",
                    0 if dead else 1,
                    mk(cl=(np, sid, conf, got, n, None, ack), cd=upd(cd, cc, c2)),
                )
            )
            if c[2]:
                c3 = (c[0], c[1], (), (), False, "closed")
                sd3 = sd
                if (
                    isinstance(c[5], tuple)
                    and c[5][0] == "att"
                    and c[5][1] in sd
                    and sd[c[5][1]][3] == cc
                ):
                    x = sd[c[5][1]]
                    sd3 = upd(sd, x[0], (x[0], x[1], x[2], None, x[4]))
                out.append(
                    (
                        f"c{cc} reset, queue lost",
                        1,
                        mk(cl=(np, sid, conf, got, n, None, ack), cd=upd(cd, cc, c3), sd=sd3),
                    )
                )
        # client sends a data byte: 2 bytes in all; sent tracked by queue: next unsent = stored in ctx of client? keep simple: when up, it sends from ack..1 once, at attach
        # client receives
        if cc is not None and cd[cc][3]:
            c = cd[cc]
            m = c[3][0]
            rest = c[3][1:]

            def cset(q=None, open_=True):
                return (c[0], c[1], c[2] + (q or ()), rest, open_, c[5])

            if m[0] == "OPENED" and ph == "wo":
                k = ("CONFIRM", m[1], m[2], m[3])
                q = (k,) + tuple(("DATA", p) for p in range(2))
                out.append(
                    (
                        f"C gets OPENED s{m[1]}, CONFIRM+data",
                        0,
                        mk(
                            cl=("up", m[1], True, False, 0, cc, 0),
                            cd=upd(cd, cc, cset(q)),
                            rec=rec | {k},
                        ),
                    )
                )
            elif m[0] == "RESUMED" and ph == "wr":
                k = ("PROOF", m[1], m[2], m[3], m[4])
                q = (k,) + tuple(("DATA", p) for p in range(m[5], 2))
                out.append(
                    (
                        f"C gets RESUMED r={m[5]}, PROOF+replay",
                        0,
                        mk(
                            cl=("up", sid, True, True if m[6] else got, n, cc, max(ack, m[5])),
                            cd=upd(cd, cc, cset(q)),
                            rec=rec | {k},
                        ),
                    )
                )
            elif m[0] == "ACK":
                out.append(
                    (
                        f"C gets ACK {m[1]}",
                        0,
                        mk(cl=(ph, sid, conf, True, n, cc, max(ack, m[1])), cd=upd(cd, cc, cset())),
                    )
                )
            elif m[0] == "GONE":
                ok = (not got and ack == 0) if STARTOVER == "literal" else False
                if ok:
                    out.append(
                        (
                            "C told gone, starts over silently",
                            0,
                            mk(
                                cl=("new", None, False, False, 0, None, 0),
                                cd=upd(cd, cc, cset(None, False)),
                            ),
                        )
                    )
                else:
                    out.append(
                        (
                            "C told gone, reports lost/unknown",
                            0,
                            mk(
                                cl=("lost", sid, conf, got, n, None, ack),
                                cd=upd(cd, cc, cset(None, False)),
                            ),
                        )
                    )
            elif m[0] == "SUP":
                out.append(
                    (
                        "C gets SUPERSEDED on its current connection",
                        0,
                        mk(
                            cl=("lost", sid, conf, got, n, None, ack),
                            cd=upd(cd, cc, cset(None, False)),
                            flag=flag or "client ended by SUPERSEDED though no other client exists",
                        ),
                    )
                )
            else:
                out.append(("C drops", 0, mk(cd=upd(cd, cc, cset()))))
        # attacker: dial with a recorded RESUME / answer with recorded PROOF / CONFIRM
        if ATT and 9 not in cd:
            for m in rec:
                if m[0] == "RESUME":
                    out.append(
                        (
                            f"M replays RESUME n={m[2]}",
                            1,
                            mk(cd=upd(cd, 9, (9, "m", (m,), (), True, None))),
                        )
                    )
        if ATT and 9 in cd and cd[9][3] and cd[9][4]:
            c = cd[9]
            for m in rec:
                if m[0] == "PROOF":
                    out.append(
                        (
                            f"M replays {m}",
                            1,
                            mk(cd=upd(cd, 9, (9, "m", c[2] + (m,), (), True, c[5]))),
                        )
                    )
            out.append(("M leaves", 0, mk(cd=upd(cd, 9, (9, "m", (), (), False, "closed")))))
        # server reads one message of any connection it holds
        for k, c in cd.items():
            if c[5] == "closed" or not c[2]:
                continue
            m = c[2][0]
            rest = c[2][1:]

            def sset(ctx, rep=()):
                return (c[0], c[1], rest, (c[3] + tuple(rep)) if c[4] else (), c[4], ctx)

            ctx = c[5]
            if m[0] == "OPEN" and ctx is None:
                i = nsid
                out.append(
                    (
                        f"S reads OPEN c{k}",
                        0,
                        mk(
                            sd=upd(sd, i, (i, "pend", 0, None, 0)),
                            cd=upd(cd, k, sset(("opened", i), [("OPENED", i, m[1], k)])),
                            nsid=nsid + 1,
                        ),
                    )
                )
            elif m[0] == "CONFIRM" and isinstance(ctx, tuple) and ctx[0] == "opened":
                i = ctx[1]
                if i in sd and sd[i][1] == "pend" and m[1] == i and m[3] == k:
                    out.append(
                        (
                            f"S reads CONFIRM c{k}: starts child",
                            0,
                            mk(
                                sd=upd(sd, i, (i, "conf", 0, k, 0)),
                                cd=upd(cd, k, sset(("att", i))),
                                eff=eff + 1,
                            ),
                        )
                    )
                else:
                    out.append(
                        ("S refuses CONFIRM", 0, mk(cd=upd(cd, k, sset("closed", [("GONE",)]))))
                    )
            elif m[0] == "RESUME" and ctx is None:
                i = m[1]
                if i in sd and (sd[i][1] == "conf" or PEND == "confirm"):
                    x = sd[i]
                    if m[2] > x[2]:
                        out.append(
                            (
                                f"S reads RESUME n={m[2]} c{k}, RESUMED r={x[4]}",
                                0,
                                mk(
                                    cd=upd(
                                        cd,
                                        k,
                                        sset(
                                            ("resumed", i, m[2], m[3]),
                                            [("RESUMED", i, m[3], k, m[2], x[4], x[4] > 0)],
                                        ),
                                    )
                                ),
                            )
                        )
                    else:
                        out.append(
                            (
                                f"S refuses RESUME n={m[2]} c{k}",
                                0,
                                mk(cd=upd(cd, k, sset("closed", []))),
                            )
                        )
                else:
                    out.append(
                        (f"S: RESUME c{k}: gone", 0, mk(cd=upd(cd, k, sset("closed", [("GONE",)]))))
                    )
            elif m[0] == "PROOF" and isinstance(ctx, tuple) and ctx[0] == "resumed":
                i = ctx[1]
                good = m[1] == i and m[2] == ctx[3] and m[3] == k and m[4] == ctx[2]
                if i in sd and good and (not RECHECK or ctx[2] > sd[i][2]):
                    x = sd[i]
                    cd2 = upd(cd, k, sset(("att", i)))
                    f = flag
                    lab = f"S reads PROOF n={ctx[2]} c{k}"
                    if x[3] is not None and x[3] != k:
                        o = cd[x[3]]
                        cd2 = upd(
                            cd2,
                            x[3],
                            (o[0], o[1], (), (o[3] + (("SUP",),)) if o[4] else (), o[4], "closed"),
                        )
                        lab += f", supersedes c{x[3]}"
                    if ctx[2] < x[2]:
                        f = f or "older attachment displaces a newer one"
                    if c[1] == "m":
                        f = f or "ATTACKER attached"
                    out.append(
                        (
                            lab,
                            0,
                            mk(
                                sd=upd(
                                    sd,
                                    i,
                                    (i, "conf", max(x[2], ctx[2]) if RECHECK else ctx[2], k, x[4]),
                                ),
                                cd=cd2,
                                flag=f,
                                eff=eff + (x[1] == "pend"),
                            ),
                        )
                    )
                else:
                    out.append((f"S refuses PROOF c{k}", 0, mk(cd=upd(cd, k, sset("closed")))))
            elif (
                m[0] == "DATA"
                and isinstance(ctx, tuple)
                and ctx[0] == "att"
                and ctx[1] in sd
                and sd[ctx[1]][3] == k
            ):
                i = ctx[1]
                x = sd[i]
                if POS == "explicit":
                    if m[1] < x[4]:
                        out.append(
                            ("S trims duplicate", 0, mk(cd=upd(cd, k, sset(ctx, [("ACK", x[4])]))))
                        )
                        continue
                    if m[1] > x[4]:
                        out.append(("S sees gap", 0, mk(flag=flag or "gap in stream")))
                        continue
                out.append(
                    (
                        f"S takes byte {m[1]} of c{k}",
                        0,
                        mk(
                            sd=upd(sd, i, (i, x[1], x[2], k, x[4] + 1)),
                            cd=upd(cd, k, sset(ctx, [("ACK", x[4] + 1)])),
                            log=log + ((i, m[1]),),
                        ),
                    )
                )
            else:
                out.append((f"S drops {m[0]} c{k}", 0, mk(cd=upd(cd, k, sset(ctx)))))
        # acceptor crash or 60 s expiry of pending
        if CRASH and cr < 1 and ss:
            cd2 = {k: (c[0], c[1], (), c[3] if c[4] else (), c[4], "closed") for k, c in cd.items()}
            out.append(("S process restarts", 1, mk(sd={}, cd=cd2, cr=cr + 1)))
        for i, x in sd.items():
            if x[1] == "pend" and not any(
                c[4] and isinstance(c[5], tuple) and c[5] == ("opened", i) for c in cd.values()
            ):
                d = dict(sd)
                del d[i]
                out.append((f"pending s{i} expires", 1, mk(sd=d)))
        return out

    def inv(S):
        cl, ss, cs, rec, log, eff, cr, flag, nsid = S
        if flag:
            return flag
        for i in {l[0] for l in log}:
            b = [l[1] for l in log if l[0] == i]
            if b != list(range(len(b))):
                return "I1 prefix: server application read duplicated/missing bytes"
        if eff > 1:
            return "command started twice for one client run"

    def good(S):
        cl, ss, cs, *_ = S
        if cl[0] == "lost":
            return True
        if sum(1 for x in cs if x[1] == "c") >= MAXC and cl[0] in ("new", "det"):
            return True  # model budget
        return cl[0] == "up" and cl[6] == 2

    return init, step, inv, good


# (what, arguments, what must be found; None: nothing)
RUNS = [
    (
        "positions implied by counting, number checked at RESUME only",
        dict(
            RECHECK=False, POS="implied", PEND="gone", STARTOVER="literal", CRASH=False, ATT=False
        ),
        "I1",
    ),
    (
        "number of the attachment checked at RESUME only",
        dict(RECHECK=False, POS="explicit", PEND="confirm", STARTOVER="literal", CRASH=False),
        "older attachment",
    ),
    (
        "RESUME of an unconfirmed session is answered 'gone'",
        dict(RECHECK=True, POS="explicit", PEND="gone", STARTOVER="literal", CRASH=False),
        "command started twice",
    ),
    (
        "a client starts over after CONFIRM left",
        dict(RECHECK=True, POS="explicit", PEND="confirm", STARTOVER="literal", CRASH=True),
        "command started twice",
    ),
    (
        "all rules",
        dict(RECHECK=True, POS="explicit", PEND="confirm", STARTOVER="strict", CRASH=True),
        None,
    ),
]
