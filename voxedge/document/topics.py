"""What people ask of leaflets and labels: "dosage", "副作用", "보관". Pure tables.

A topic has one name and is asked for in any of the languages here, whatever language the leaflet
is in. Its headings are those of the European template (QRD), of the American Drug Facts label, of
Chinese and Korean inserts, and common variants.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that people ask of a leaflet.

    Attributes:
        name: canonical name, spoken.
        asked: other names people say for it.
        headings: phrases in headings; ``*`` stands for one to three words (a medicine's name).
        body: phrases in running text, tried where no heading is found.
        never: words in a heading that rule the topic out.
    """

    name: str
    asked: tuple[str, ...]
    headings: tuple[str, ...]
    body: tuple[str, ...] = ()
    never: frozenset[str] = frozenset()


_NOT_THE_DOSE = frozenset(
    {"overdose", "overdosage", "forget", "forgot", "forgotten", "missed", "miss", "more", "too"}
    | {"stop", "stopping"}
)

ENGLISH: tuple[Topic, ...] = (
    Topic(
        "dosage",
        ("dose", "doses", "how much", "how to take", "how to use", "directions", "posology"),
        (
            "dosage",
            "dose",
            "recommended dose",
            "how to take",
            "how to use",
            "how to give",
            "how is * given",
            "how * is given",
            "how should i take",
            "directions",
            "directions for use",
            "dosage and administration",
            "posology",
        ),
        ("recommended dose", "starting dose", "usual dose", "the dose is"),
        _NOT_THE_DOSE,
    ),
    Topic(
        "missed dose",
        ("forgotten dose", "i forgot", "if i forget", "forgot to take"),
        ("if you forget to take", "if you forget to use", "if you miss a dose", "missed dose"),
        ("forget to take", "miss a dose", "forgotten dose"),
    ),
    Topic(
        "overdose",
        ("too much", "overdosage", "if i take too much", "took too much"),
        (
            "overdose",
            "overdosage",
            "if you take more",
            "if you use more",
            "if you have taken too much",
        ),
        ("if you take more", "if you use more", "overdose", "taken too much"),
    ),
    Topic(
        "side effects",
        ("side effect", "adverse reactions", "undesirable effects", "adverse effects"),
        (
            "side effects",
            "possible side effects",
            "undesirable effects",
            "adverse reactions",
            "adverse effects",
        ),
        ("side effects", "stop use and ask a doctor"),
        frozenset({"reporting"}),
    ),
    Topic(
        "storage",
        ("how to store", "store", "keeping it", "how to keep"),
        ("storage", "how to store", "storing", "storage conditions", "how should i store"),
        ("do not store above", "store below", "store between", "store at", "store in"),
    ),
    Topic(
        "expiry",
        ("expiry date", "expiration", "expiration date", "use by", "best before", "exp"),
        ("expiry date", "expiry", "expiration date", "use by", "best before"),
        ("exp", "expiry date", "expiration date", "use before", "use by", "best before"),
    ),
    Topic(
        "warnings",
        ("warning", "precautions", "cautions", "what should i know before"),
        (
            "warnings",
            "warning",
            "warnings and precautions",
            "precautions",
            "what you need to know before",
            "before you take",
            "before you use",
        ),
        ("take special care", "talk to your doctor", "warning"),
    ),
    Topic(
        "who must not take it",
        ("contraindications", "do not take", "do not use", "who should not take it"),
        ("do not take", "do not use", "contraindications", "who should not"),
        ("do not take", "do not use"),
    ),
    Topic(
        "ingredients",
        (
            "contents",
            "active ingredient",
            "active ingredients",
            "active substance",
            "what is in it",
            "composition",
            "what it contains",
        ),
        (
            "ingredients",
            "active ingredient",
            "active ingredients",
            "what * contains",
            "composition",
            "contents of the pack",
        ),
        ("active substance", "active ingredient", "contains"),
        frozenset({"inactive"}),
    ),
    Topic(
        "inactive ingredients",
        ("other ingredients", "excipients", "allergens"),
        ("inactive ingredients", "other ingredients", "excipients"),
        ("other ingredients", "excipients"),
        frozenset({"active"}),
    ),
    Topic(
        "interactions",
        ("interaction", "other medicines", "alcohol", "food and drink"),
        (
            "interactions",
            "other medicines and",
            "taking other medicines",
            "drug interactions",
            "with food and drink",
        ),
        ("other medicines",),
    ),
    Topic(
        "pregnancy",
        ("pregnant", "breast feeding", "breastfeeding"),
        ("pregnancy", "pregnancy and breast feeding", "if pregnant or breast feeding"),
        ("pregnant", "breast feeding"),
    ),
    Topic(
        "driving",
        ("driving and using machines", "can i drive", "machines"),
        ("driving", "driving and using machines"),
        ("drive", "driving"),
    ),
    Topic(
        "children",
        ("child", "use in children", "adolescents"),
        ("children", "children and adolescents", "use in children"),
        ("children",),
    ),
    Topic(
        "purpose",
        ("use", "uses", "what it is for", "what is it for", "indications", "what is it"),
        ("what * is and what it is used for", "purpose", "uses", "use", "indications"),
        ("is used to", "is used for"),
    ),
    Topic(
        "manufacturer",
        ("maker", "who makes it", "company", "marketing authorisation holder"),
        ("manufacturer", "marketing authorisation holder", "distributed by"),
        ("manufacturer", "manufactured by", "marketing authorisation holder", "distributed by"),
    ),
)
"""What people ask of leaflets and labels, in English."""


Said = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Names people say, phrases in headings, phrases in running text."""

_CHINESE: dict[str, Said] = {
    "dosage": (("用法用量", "用法", "用量", "剂量"), ("用法用量", "用法", "用量"), ("一次",)),
    "overdose": (("药物过量", "过量"), ("药物过量",), ("过量",)),
    "missed dose": (("漏服", "忘记吃药"), ("漏服",), ("漏服",)),
    "side effects": (("不良反应", "副作用"), ("不良反应",), ("不良反应", "副作用")),
    "storage": (
        ("贮藏", "储存", "保存", "存放", "怎么保存"),
        ("贮藏", "贮存", "储藏", "保存"),
        ("以下保存", "密封保存", "保存"),
    ),
    "expiry": (
        ("有效期", "保质期", "过期", "有效期至", "失效日期"),
        ("有效期", "有效期至", "失效期"),
        ("有效期至", "有效期", "失效期"),
    ),
    "warnings": (("注意事项", "注意", "警告"), ("注意事项", "警示语"), ("注意", "警告")),
    "who must not take it": (("禁忌", "谁不能用"), ("禁忌", "禁忌症"), ("禁用",)),
    "ingredients": (("成份", "成分", "主要成份"), ("成份", "成分", "主要成份"), ("主要成份",)),
    "inactive ingredients": (("辅料",), ("辅料",), ("辅料",)),
    "interactions": (("药物相互作用", "相互作用"), ("药物相互作用",), ("相互作用",)),
    "pregnancy": (
        ("孕妇", "怀孕", "哺乳"),
        ("孕妇及哺乳期妇女用药",),
        ("孕妇", "妊娠"),
    ),
    "children": (("儿童", "小孩", "儿童用药"), ("儿童用药",), ("儿童", "小儿")),
    "purpose": (
        ("适应症", "功能主治", "用途", "治什么"),
        ("适应症", "功能主治"),
        ("用于",),
    ),
    "manufacturer": (
        ("生产企业", "厂家", "生产厂家"),
        ("生产企业", "药品上市许可持有人", "企业名称"),
        ("生产企业", "生产商"),
    ),
}
_KOREAN: dict[str, Said] = {
    "dosage": (
        ("용법 용량", "용법", "용량", "복용법", "복용량"),
        ("용법 용량", "용법 및 용량", "복용 방법"),
        ("1회", "1일"),
    ),
    "overdose": (("과량 복용", "과다 복용"), ("과량 투여", "과량 복용"), ("과량",)),
    "side effects": (("부작용", "이상 반응"), ("이상반응", "부작용"), ("부작용", "이상반응")),
    "storage": (("보관", "보관법", "저장"), ("저장방법", "보관방법", "저장 방법"), ("보관",)),
    "expiry": (
        ("유효기간", "사용기한", "유통기한"),
        ("사용기한", "유효기간"),
        ("사용기한", "유효기간"),
    ),
    "warnings": (
        ("주의", "주의사항", "경고"),
        ("사용상의주의사항", "사용상의 주의사항", "경고"),
        ("주의", "경고"),
    ),
    "ingredients": (("성분", "유효성분"), ("유효성분", "원료약품", "성분"), ("유효성분",)),
    "inactive ingredients": (("첨가제",), ("첨가제",), ("첨가제",)),
    "interactions": (("상호작용",), ("상호작용",), ("상호작용",)),
    "pregnancy": (("임산부", "임신", "수유"), ("임부", "임산부"), ("임부", "임산부")),
    "children": (("어린이", "소아"), ("소아", "어린이"), ("소아", "어린이")),
    "purpose": (("효능", "효과", "효능 효과"), ("효능 효과",), ("효능",)),
    "manufacturer": (("제조사", "제조자", "제조원"), ("제조원", "제조자"), ("제조원", "제조자")),
}
_OTHERS: dict[str, Said] = {
    "dosage": (
        ("dosierung", "einnahme", "posologie", "dosis", "posologia", "doz", "kullanım"),
        (
            "wie ist * einzunehmen",
            "wie ist * anzuwenden",
            "comment prendre",
            "comment utiliser",
            "posologie",
            "como tomar",
            "como usar",
            "come prendere",
            "come usare",
            "nasıl kullanılır",
        ),
        (),
    ),
    "side effects": (
        ("nebenwirkungen", "effets indesirables", "efectos adversos", "yan etkiler"),
        (
            "welche nebenwirkungen",
            "nebenwirkungen",
            "effets indesirables",
            "efectos adversos",
            "effetti indesiderati",
            "yan etkiler",
        ),
        (),
    ),
    "storage": (
        ("aufbewahrung", "lagerung", "conservation", "conservacion", "conservare", "saklama"),
        (
            "wie ist * aufzubewahren",
            "aufbewahrung",
            "comment conserver",
            "conservacion",
            "come conservare",
            "saklanması",
        ),
        ("nicht über", "ne pas conserver", "a conserver", "conservar", "saklayınız"),
    ),
    "expiry": (
        ("verfallsdatum", "haltbarkeit", "peremption", "caducidad", "scadenza", "son kullanma"),
        ("verwendbar bis", "date de peremption", "fecha de caducidad", "son kullanma tarihi"),
        ("verwendbar bis", "verw bis", "peremption", "caducidad", "scadenza", "son kullanma"),
    ),
    "ingredients": (
        ("wirkstoff", "zusammensetzung", "composicion", "etkin madde"),
        ("zusammensetzung", "wirkstoff", "substance active", "principio activo", "etkin madde"),
        ("der wirkstoff", "substance active", "principio activo", "etkin madde"),
    ),
    "warnings": (
        ("warnhinweise", "avertissements", "advertencias", "avvertenze", "uyarılar"),
        (
            "vor der einnahme",
            "vor der anwendung",
            "avant de prendre",
            "avant d utiliser",
            "antes de empezar",
            "prima di prendere",
            "prima di usare",
            "kullanmadan önce",
        ),
        (),
    ),
    "purpose": (
        ("anwendungsgebiete", "wofür", "para que"),
        (
            "wofür wird es angewendet",
            "dans quels cas est il utilise",
            "para que se utiliza",
            "a cosa serve",
            "ne için kullanılır",
        ),
        (),
    ),
}
"""German, French, Spanish, Italian and Turkish: the main parts."""


def _merged(base: tuple[Topic, ...], *tables: dict[str, Said]) -> tuple[Topic, ...]:
    merged = []
    for topic in base:
        rows = [table[topic.name] for table in tables if topic.name in table]
        asked, headings, body = (tuple(p for row in rows for p in row[n]) for n in range(3))
        merged.append(
            Topic(
                topic.name,
                topic.asked + asked,
                topic.headings + headings,
                topic.body + body,
                topic.never,
            )
        )
    return tuple(merged)


TOPICS = _merged(ENGLISH, _CHINESE, _KOREAN, _OTHERS)
"""What people ask of leaflets, in all languages known here."""
