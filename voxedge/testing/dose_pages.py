"""Pages full of numbers, for measuring that no wrong dose is spoken as certain.

Every sentence holds numbers of the kinds leaflets and labels hold, drawn from a seed; no two
sentences share their words, so that what was read can be laid beside what was printed.
"""

from __future__ import annotations

import random

_NAMES = (
    "Selvadine", "Norvaxil", "Tremolan", "Cordexin", "Balmerol", "Fenistat", "Ozarelin",
    "Quintapril", "Meloxidan", "Dervolol", "Parnexol", "Ibrunal", "Lisovan", "Gastrolen",
    "Hydrofen", "Zaltoprim", "Amiloket", "Vertizan", "Ketoprel", "Simvadur",
)  # fmt: skip
_PEOPLE = (
    "adults", "children", "teenagers", "women", "men", "infants", "patients with kidney disease",
    "grandparents", "nursing mothers", "athletes", "travellers", "people with asthma",
    "patients with diabetes", "schoolchildren", "older people", "smokers", "pregnant women",
)  # fmt: skip
_UNITS = ("mg", "mg", "mg", "g", "µg", "micrograms", "ml", "mL", "IU", "mmol")


def dose_page(seed: int, sentences: int = 30) -> str:
    """Return the markup of one leaflet (see ``typeset``); the same seed gives the same page."""
    draw = random.Random(seed)
    names = draw.sample(_NAMES, len(_NAMES))
    people = draw.sample(_PEOPLE, len(_PEOPLE))
    lines = [f"# {names[0]} {_amount(draw)} tablets"]
    templates = draw.sample(_TEMPLATES * (1 + sentences // len(_TEMPLATES)), sentences)
    for number, template in enumerate(templates):
        if number % 9 == 0:
            lines.append(f"## About {names[(number + 3) % len(names)]}")
        text = _sentence(template, draw, names[number % len(names)], people[number % len(people)])
        lines.append(f"- {text}" if draw.random() < 0.3 else text)
    return "\n".join(lines) + "\n"


def care_page(seed: int, sentences: int = 26) -> str:
    """Return the markup of a care plan: other names, words and phrases than ``dose_page``.

    Kept aside: rules are made on the one, and measured on the other.
    """
    draw = random.Random(f"care {seed}")
    drugs, rooms = draw.sample(_DRUGS, len(_DRUGS)), draw.sample(_RESIDENTS, len(_RESIDENTS))
    lines = [f"# Care plan, week {draw.randint(1, 52)} of {draw.randint(2024, 2031)}"]
    phrases = draw.sample(_CARE_TEMPLATES * (1 + sentences // len(_CARE_TEMPLATES)), sentences)
    for number, phrase in enumerate(phrases):
        if number % 7 == 0:
            lines.append(f"## Resident {rooms[(number + 5) % len(rooms)]}")
        low = draw.randint(2, 30)
        text = phrase.format(
            who=rooms[number % len(rooms)],
            drug=drugs[number % len(drugs)],
            amount=_amount(draw),
            other=_amount(draw),
            number=draw.randint(2, 90),
            small=draw.randint(2, 9),
            large=draw.choice((draw.randint(100, 990), draw.randint(1000, 9900))),
            low=low,
            high=low + draw.randint(1, 30),
            decimal=f"{draw.randint(1, 40)}.{draw.randint(1, 9)}",
            date=_date(draw),
            hour=draw.randint(6, 22),
            minute=draw.choice(("00", "15", "30", "45")),
        )
        lines.append(f"- {text}" if draw.random() < 0.25 else text)
    return "\n".join(lines) + "\n"


def letter_page(seed: int, sentences: int = 24) -> str:
    """Return the markup of a letter about medicines: words and phrases of neither of the others.

    The second set kept aside, made after the rules of the first were known.
    """
    draw = random.Random(f"letter {seed}")
    drugs, places = draw.sample(_LETTER_DRUGS, len(_LETTER_DRUGS)), draw.sample(_PLACES, 8)
    lines = [f"# Letter of {_date(draw)} from {places[0]}"]
    phrases = draw.sample(_LETTER_PHRASES * 2, min(sentences, 2 * len(_LETTER_PHRASES)))
    for number, phrase in enumerate(phrases):
        if number % 8 == 0:
            lines.append(f"## {places[number // 8 + 1]} clinic")
        few = draw.randint(2, 9)
        text = phrase.format(
            drug=drugs[number % len(drugs)],
            place=places[number % len(places)],
            amount=_amount(draw),
            other=_amount(draw),
            value=_value(draw),
            few=few,
            more=few + draw.randint(1, 12),
            many=draw.randint(12, 480),
            decimal=f"{draw.randint(1, 90)}.{draw.randint(1, 9)}",
            date=_date(draw),
            later=_date(draw),
        )
        lines.append(f"- {text}" if draw.random() < 0.2 else text)
    return "\n".join(lines) + "\n"


def _value(draw: random.Random) -> str:
    return draw.choice(
        (
            str(draw.randint(1, 9)),
            str(draw.randint(10, 99)),
            str(draw.choice((5, 10, 20, 25, 50, 75, 100, 125, 150, 200, 250, 300, 400, 500, 850))),
            f"{draw.randint(0, 9)}.{draw.randint(1, 9)}",
            f"0.{draw.choice(('05', '1', '25', '5', '75', '125'))}",
            f"{draw.randint(1, 60)}.{draw.randint(1, 9)}",
            f"{draw.randint(1, 9)},{draw.randint(0, 9)}00",
        )
    )


def _amount(draw: random.Random) -> str:
    return f"{_value(draw)}{draw.choice((' ', ' ', ''))}{draw.choice(_UNITS)}"


def _date(draw: random.Random) -> str:
    day, month, year = draw.randint(1, 28), draw.randint(1, 12), draw.randint(2024, 2031)
    return draw.choice((f"{month:02}/{year}", f"{day:02}/{month:02}/{year}", f"{day} May {year}"))


def _range(draw: random.Random) -> str:
    low = draw.randint(1, 40)
    return f"{low}{draw.choice(('-', ' to ', '–'))}{low + draw.randint(1, 40)}"


_TEMPLATES = (
    "For {people} the usual dose of {name} is {amount} every {hours} hours.",
    "{name}: {people} should take {amount} once daily for {days} days.",
    "Each tablet of {name} contains {amount} of the active substance.",
    "In {people}, {name} may be raised to {amount} after {few} weeks.",
    "Do not give more than {amount} of {name} in 24 hours to {people}.",
    "{name} was studied in {many} {people}; {share} % felt sick.",
    "Give {people} {range} ml of {name} syrup {few} times a day.",
    "Store {name} below {days} °C and use it before {date}.",
    "Lot {lot} of {name} expires {date}.",
    "Up to 1 in {rarity} {people} on {name} had a rash.",
    "The strength of {name} drops is {amount}/{few} ml for {people}.",
    "For {people} calculate {amount}/kg of {name} and divide it by {few}.",
    "A pack of {name} holds {share} tablets, enough for {people}.",
    "If {people} swallow {range} tablets of {name}, call a doctor within {few} hours.",
    "{name} {amount}/{other} is not for {people}.",
)


def _sentence(template: str, draw: random.Random, name: str, people: str) -> str:
    return template.format(
        name=name,
        people=people,
        amount=_amount(draw),
        other=_amount(draw),
        range=_range(draw),
        date=_date(draw),
        hours=draw.randint(4, 48),
        days=draw.randint(2, 30),
        few=draw.randint(2, 9),
        share=draw.randint(7, 99),
        many=draw.randint(100, 9999),
        rarity=draw.choice((10, 100, "1,000", "10,000")),
        lot=f"{draw.choice('ABCD')}{draw.randint(1000, 99999)}",
    )


_DRUGS = (
    "Candoprex", "Levantine", "Morvatil", "Pelistan", "Roxamide", "Tavorel", "Uldiprone",
    "Warlidin", "Xelotran", "Bisofenac", "Dilaprost", "Edurolol", "Famoxine", "Glibetor",
    "Hexoprel", "Isovarin", "Junopril", "Kaltivene",
)  # fmt: skip
_RESIDENTS = (
    "Anderson", "Blackwood", "Castellan", "Drummond", "Eastlake", "Fairweather", "Goldsmith",
    "Hathaway", "Ironside", "Jefferson", "Kowalski", "Lindqvist", "Montgomery", "Nightingale",
    "Oppenheim", "Pemberton", "Quartermain", "Rosenthal",
)  # fmt: skip
_CARE_TEMPLATES = (
    "{who} gets {amount} {drug} at {hour}:{minute} with a glass of water.",
    "Weigh {who} on {date}; the last weight was {decimal} kg.",
    "{drug} {amount}: one tablet in the morning, {small} at noon for {who}.",
    "Insulin for {who}: {number} units before breakfast, {small} units at night.",
    "The blood sugar of {who} should stay between {low} and {high} mmol/l.",
    "Drip {drug} at {number} ml/h, and stop it after {low} minutes.",
    "{who} weighs {number} kg and needs {decimal} mg/kg of {drug} a day.",
    "Put {small} drops of {drug} into the left eye of {who} every {high} hours.",
    "{drug} patch ({amount}): change it after {small} days, not later than {date}.",
    "Never more than {large} mg of {drug} a day, says the doctor of {who}.",
    "{who} drank {large} ml yesterday and {large} ml on {date}.",
    "Blood pressure of {who} at {hour}:{minute}: {high}/{low}, pulse {number}.",
    "Keep {drug} at {low}–{high} °C, and throw it away on {date}.",
    "From {date} on {who} takes {amount} instead of {other} of {drug}.",
    "{small} sachets of {drug} ({amount} each) are left for {who}.",
    "Call the ward of {who} if the fever is above {number}.{small} °C for {small} hours.",
    "{who}: reduce {drug} by {number} % every {small} weeks.",
    "Order {number} boxes of {drug}, batch {large}, for room {low}.",
)

_LETTER_DRUGS = (
    "Abrotanil", "Benzidol", "Corvetine", "Duprastat", "Elvoxin", "Fluridane", "Gemtorol",
    "Halvistan", "Imratex", "Jentolide", "Krosanib", "Lumepril", "Mirzolan", "Nebutrex",
)  # fmt: skip
_PLACES = (
    "Aldershot", "Birkenhead", "Carmarthen", "Dunfermline", "Eastbourne", "Fraserburgh",
    "Gateshead", "Hartlepool", "Inverness", "Kilmarnock", "Lowestoft", "Macclesfield",
)  # fmt: skip
_LETTER_PHRASES = (
    "Since {date} your mother has been on {amount} of {drug}, split into {few} doses.",
    "We lowered {drug} from {amount} to {other} when she left {place} on {date}.",
    "Her kidneys clear {decimal} ml/min, so {drug} must stay under {amount} a day.",
    "Please bring the box marked {drug} {amount}, lot {many}, to {place} before {later}.",
    "Of {many} people in {place} who were given {drug}, {few} in 100 had a headache.",
    "Dissolve {few} sachets of {drug} in {many} ml of water and drink it within {more} hours.",
    "The spray gives {amount} with each puff; {more} puffs a day are too many.",
    "At {place} the level in her blood was {decimal} mmol/l, and {value} mmol/l a month later.",
    "If a dose of {drug} is late by more than {few} hours, wait for the next one at noon.",
    "Her next visit to {place} is on {later}; until then she weighs herself every {few} days.",
    "Do not freeze {drug}; it keeps for {many} days at {few} to {more} °C after opening.",
    "The drops hold {amount}/ml: count {more} of them, not {many}, for a child of {few} years.",
    "Rub {decimal} g of {drug} into the knee {few} times a day, at most until {date}.",
    "He may swim again {few} weeks after the last {amount} of {drug}, not earlier.",
    "{drug} costs {decimal} pounds for {many} tablets in {place}.",
)
