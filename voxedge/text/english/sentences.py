"""English tables for sentence and clause boundaries. All entries in lower case, without the dot."""

from __future__ import annotations

from voxedge.text.language import SentenceTable, word_set

SENTENCES = SentenceTable(
    never_final=word_set(
        "dr mr mrs ms prof rev hon sir st gen col sgt capt lt vs e.g i.e eg ie cf viz approx ca "
        "incl excl esp resp ver mt ft messrs mme mlle dept univ n.b nb q.v"
    ),
    before_number=word_set(
        "no nos nr fig figs p pp vol ch sec sect art par para eq ref refs tab tel ext exp lot "
        "max min ed par. item step apt rm § cat reg"
    ),
    dose_abbreviations=word_set(
        "b.i.d t.i.d q.i.d q.d q.o.d o.d b.d t.d.s q.d.s p.o p.r.n i.m i.v s.c s.l p.r a.c p.c h.s "
        "bid tid qid prn po stat tab tabs cap caps gtt gtts inj supp susp mg g kg mcg ml l iu u "
        "max min approx wt hr hrs h wk yr mo"
    ),
    starters=word_set(
        "a all an and any as ask at avoid before but by call check children consult contact do "
        "each every for from he her his how i if in it its keep may most never no not of on once "
        "our patients possible read see she shake some stop store swallow take talk tell that the "
        "their then there these they this those to use warning we what when where which who why "
        "with you your"
    ),
    conjunctions=word_set(
        "and or but if when while because although unless until whereas before after "
        "which who where"
    ),
    joiners=word_set("or and to x × - – /"),
)
