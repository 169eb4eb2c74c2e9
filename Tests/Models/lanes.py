"""A producer's lane and an inbox, with kills of either, cuts, and stores brought back from backups.

A label is what the application submitted, a sequence number its place in the outbox. What was on
its way on a lane of a killed sender still arrives.
"""


def model(
    CHAIN=0,
    FENCE=0,
    REJSET=0,
    FSYNCID=1,
    NL=3,
    BAD=(1,),
    EXP=(),
    KS=1,
    KR=1,
    RST=0,
    RCR=0,
    INRST=0,
    NLANES=3,
    PARTNEXT=0,
):
    # outbox: tuple of (label,status) seq=i+1 ; sender vol: cur lane idx or None, nxt to send (this lane), ready?
    # lanes: tuple of (qc,qs,salive)
    init = (
        (),
        None,
        (None, 0, 0),
        (),
        (1, 0, (), (), frozenset(), None),
        None,
        frozenset(),
        0,
        KS,
        KR,
        RST,
        RCR,
        None,
        INRST,
    )

    def step(S):
        ob, kid, vol, lanes, inb, bak, rep, nl, ks, kr, rst, rcr, ibak, inrst = S
        cur, nxt, rdy = vol
        out = []
        iid, cursor, stored, chain, rejs, tok = inb

        def mk(
            ob=ob,
            kid=kid,
            vol=vol,
            lanes=lanes,
            inb=inb,
            bak=bak,
            rep=rep,
            nl=nl,
            ks=ks,
            kr=kr,
            rst=rst,
            rcr=rcr,
            ibak=ibak,
            inrst=inrst,
        ):
            return (ob, kid, vol, lanes, inb, bak, rep, nl, ks, kr, rst, rcr, ibak, inrst)

        def lset(i, q):
            l = list(lanes)
            l[i] = q
            return tuple(l)

        err = any(r[0] == "ERR" for r in rep)
        if nl < NL:
            out.append(
                (f"app submits m{nl} (seq {len(ob)+1})", 0, mk(ob=ob + ((nl, "q"),), nl=nl + 1))
            )
        if bak is None and rst:
            out.append(("backup of outbox", 0, mk(bak=(ob, kid))))
        if ibak is None and inrst:
            out.append(("backup of inbox", 0, mk(ibak=inb)))
        old = next((i + 1 for i, e in enumerate(ob) if e[1] == "q"), len(ob) + 1)
        if cur is None and not err and len(lanes) < NLANES and ob:
            out.append(
                (
                    f"dial lane{len(lanes)} LANE oldest={old}",
                    0,
                    mk(vol=(len(lanes), 0, 0), lanes=lanes + (((("LANE", kid, old),), (), 1),)),
                )
            )
        if cur is not None:
            qc, qs, sa = lanes[cur]
            if rdy and nxt <= len(ob):
                l, st = ob[nxt - 1]
                if st == "e":
                    out.append(
                        (
                            f"send SKIP{nxt}",
                            0,
                            mk(
                                vol=(cur, nxt + 1, 1),
                                lanes=lset(cur, (qc + (("SKIP", nxt, l),), qs, sa)),
                            ),
                        )
                    )
                else:
                    out.append(
                        (
                            f"send MSG{nxt}=m{l}",
                            0,
                            mk(
                                vol=(cur, nxt + 1, 1),
                                lanes=lset(cur, (qc + (("MSG", nxt, l),), qs, sa)),
                            ),
                        )
                    )
                    if st == "q" and l in EXP:
                        out.append(
                            (
                                f"m{l} (seq {nxt}) expires before sending",
                                0,
                                mk(
                                    ob=ob[: nxt - 1] + ((l, "e"),) + ob[nxt:],
                                    rep=rep | {(l, "expired")},
                                ),
                            )
                        )
            if qs:
                m = qs[0]
                l2 = lset(cur, (qc, qs[1:], sa))
                if m[0] == "READY":
                    _, i, n, ch, rj = m
                    e = None
                    if kid is not None and kid != i:
                        e = "inbox changed"
                    elif n < old:
                        e = "history lost"
                    elif n > len(ob) + 1:
                        e = "outbox rolled back"
                    elif CHAIN and ch != tuple(x[0] for x in ob[: n - 1]):
                        e = "diverged history"
                    if e:
                        out.append(
                            (
                                f'READY next={n}: named error "{e}"',
                                0,
                                mk(lanes=l2, rep=rep | {("ERR", e)}),
                            )
                        )
                    else:
                        o = list(ob)
                        r = rep
                        for s_ in range(old, n):
                            if o[s_ - 1][1] == "q":
                                o2 = "r" if (REJSET and s_ in rj) else "a"
                                o[s_ - 1] = (o[s_ - 1][0], o2)
                                r = r | {(o[s_ - 1][0], "rejected" if o2 == "r" else "accepted")}
                        out.append(
                            (
                                f"READY next={n}: drops below",
                                0,
                                mk(ob=tuple(o), kid=i, vol=(cur, n, 1), lanes=l2, rep=r),
                            )
                        )
                elif m[0] == "ACC":
                    o = list(ob)
                    r = rep
                    for s_ in range(1, m[1] + 1):
                        if s_ <= len(o) and o[s_ - 1][1] == "q":
                            o[s_ - 1] = (o[s_ - 1][0], "a")
                            r = r | {(o[s_ - 1][0], "accepted")}
                    out.append((f"ACCEPTED {m[1]}", 0, mk(ob=tuple(o), lanes=l2, rep=r)))
                elif m[0] == "REJ":
                    s_ = m[1]
                    o = ob
                    r = rep
                    if s_ <= len(o) and o[s_ - 1][1] == "q":
                        l = o[s_ - 1][0]
                        o = o[: s_ - 1] + ((l, "r"),) + o[s_:]
                        r = r | {(l, "rejected")}
                    out.append((f"REJECTED {s_}", 0, mk(ob=o, lanes=l2, rep=r)))
                elif m[0] == "SUP":
                    out.append(("lane superseded", 0, mk(vol=(None, 0, 0), lanes=l2)))
            if sa == 0 and not qs:
                out.append(("lane closed", 0, mk(vol=(None, 0, 0))))
            if ks:
                out.append(
                    (
                        "sender kill -9 / cut (bytes on the way still arrive)",
                        1,
                        mk(vol=(None, 0, 0), lanes=lset(cur, (qc, (), sa)), ks=ks - 1),
                    )
                )
        for i, (qc, qs, sa) in enumerate(lanes):
            if not sa or not qc:
                continue
            m = qc[0]
            rq = qc[1:]
            live = i == cur

            def rr(inb2, rep_, sa2=1):
                return mk(inb=inb2, lanes=lset(i, (rq, (qs + rep_) if live else (), sa2)))

            if m[0] == "LANE":
                out.append(
                    (
                        f"inbox: LANE on lane{i}, READY next={cursor+1}",
                        0,
                        rr(
                            (iid, cursor, stored, chain, rejs, i if FENCE else None),
                            (("READY", iid, cursor + 1, chain, tuple(sorted(rejs))),),
                        ),
                    )
                )
            elif FENCE and tok != i:
                out.append((f"inbox refuses lane{i} (superseded)", 0, rr(inb, (("SUP",),), 0)))
            elif m[1] <= cursor:
                out.append(
                    (f"inbox: duplicate seq {m[1]} on lane{i}", 0, rr(inb, (("ACC", cursor),)))
                )
            elif m[1] > cursor + 1:
                out.append((f"inbox: gap on lane{i}, closes", 0, rr(inb, (), 0)))
            elif m[0] == "MSG":
                if m[2] in BAD:
                    out.append(
                        (
                            f"inbox rejects seq {m[1]}=m{m[2]}",
                            0,
                            rr(
                                (iid, cursor + 1, stored, chain + (m[2],), rejs | {m[1]}, tok),
                                (("REJ", m[1]), ("ACC", cursor + 1)),
                            ),
                        )
                    )
                else:
                    out.append(
                        (
                            f"inbox stores seq {m[1]}=m{m[2]} (lane{i})",
                            0,
                            rr(
                                (iid, cursor + 1, stored + (m[2],), chain + (m[2],), rejs, tok),
                                (("ACC", cursor + 1),),
                            ),
                        )
                    )
            elif m[0] == "SKIP":
                out.append(
                    (
                        f"inbox skips seq {m[1]}",
                        0,
                        rr(
                            (iid, cursor + 1, stored, chain + (m[2],), rejs, tok),
                            (("ACC", cursor + 1),),
                        ),
                    )
                )
        if kr:
            out.append(
                ("receiver kill -9", 1, mk(lanes=tuple(((), q[1], 0) for q in lanes), kr=kr - 1))
            )
            out.append(
                (
                    "receiver kill -9, replies lost",
                    1,
                    mk(lanes=tuple(((), (), 0) for q in lanes), kr=kr - 1),
                )
            )
        if rst and bak is not None:
            out.append(
                (
                    f"outbox restored from backup (had {len(bak[0])} of {len(ob)})",
                    1,
                    mk(
                        ob=bak[0],
                        kid=bak[1],
                        vol=(None, 0, 0),
                        lanes=tuple((q[0], (), q[2]) for q in lanes),
                        rst=rst - 1,
                        bak=bak,
                    ),
                )
            )
        if rcr:
            out.append(
                (
                    "inbox recreated",
                    1,
                    mk(
                        inb=(iid + 1, 0, (), (), frozenset(), None),
                        lanes=tuple(((), (), 0) for q in lanes),
                        rcr=rcr - 1,
                    ),
                )
            )
        if inrst and ibak is not None:
            out.append(
                (
                    f"inbox restored from backup (cursor {ibak[1]} was {cursor})",
                    1,
                    mk(inb=ibak, lanes=tuple(((), (), 0) for q in lanes), inrst=inrst - 1),
                )
            )
        return out

    def inv(S):
        ob, kid, vol, lanes, inb, bak, rep, nl, *_ = S
        st = inb[2]
        if len(set(st)) != len(st):
            return "stored twice"
        known_loss = any(r[0] == "ERR" for r in rep)
        lossy = (S[11] < RCR) or (S[13] < INRST)
        for l, o in rep:
            if l == "ERR":
                continue
            if o == "accepted" and l not in st and not lossy:
                return (
                    "reported accepted, not stored (silent loss)"
                    if l not in BAD
                    else "reported accepted, was rejected"
                )
            if o in ("expired", "rejected") and l in st:
                return f"reported {o}, but stored"
        if st != tuple(sorted(st)):
            return "order"

    def good(S):
        ob, kid, vol, lanes, inb, bak, rep, nl, *_ = S
        if any(r[0] == "ERR" for r in rep):
            return True
        if len(lanes) >= NLANES and vol[0] is None:
            return True
        return nl == NL and all(e[1] != "q" for e in ob)

    return init, step, inv, good


# (what, arguments, what must be found; None: nothing)
RUNS = [
    ("READY does not tell which messages were rejected", dict(), "was rejected"),
    ("READY tells them, but old lanes go on", dict(REJSET=1), "was rejected"),
    (
        "a message expires while an old lane still has it",
        dict(REJSET=1, EXP=(0,), BAD=()),
        "reported expired, but stored",
    ),
    ("the newest lane fences older ones", dict(REJSET=1, FENCE=1, EXP=(0,), BAD=(1,)), None),
    (
        "an outbox from a backup, no chain",
        dict(REJSET=1, FENCE=1, RST=1, BAD=(), KR=0, NLANES=2),
        "silent loss",
    ),
    (
        "an outbox from a backup, all rules",
        dict(REJSET=1, FENCE=1, RST=1, CHAIN=1, BAD=(), KR=0, NLANES=3),
        None,
    ),
    (
        "an inbox made anew or from a backup, all rules",
        dict(REJSET=1, FENCE=1, CHAIN=1, RCR=1, INRST=1, BAD=(), KR=0, KS=0, NL=2),
        None,
    ),
]
