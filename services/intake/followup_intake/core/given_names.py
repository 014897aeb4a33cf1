"""Given names, to tell a second first name from a second last name."""

from functools import cache

_GIVEN = """
aaron abby abigail adam adele adrian adriana aidan aisha alain alan alana albert alberto alejandra
alejandro alex alexander alexandra alexis alfonso alfred alfredo alice alicia alison allison
amanda amber amelia amy ana anabel andre andrea andreas andres andrew angel angela angelica angelo
anita ann anna anne annette annie anthony antoine anton antonia antonio april arjun arthur arturo
ashley astrid audrey august aurora ava barbara beatrice beatriz becky belen benjamin benoit
bernadette bernard bernd beth bettina betty beverly bill billy blanca bob bobbie bobby bonnie
brandon brenda brett brian brigitte brittany bruce bruno bryan caleb camila camille carl carla
carlos carmen carol carolina caroline carolyn carrie catalina catherine cathy cecile cecilia
celine cesar chantal charles charlie charlotte chloe chris christa christian christiane christina
christine christoph christopher cindy claire clara clarence claude claudia claudio colin connie
consuelo corinne craig cristina cynthia daisy dale dan daniel daniela danielle danny darlene dave
david dawn dean deborah debra delia denise dennis derek diana diane diego dieter dirk dolores don
donald donna dora doris dorothea dorothy doug douglas duc duncan dustin dwight dylan earl eddie
edgar edith eduardo edward edwin eileen elaine eleanor elena elias elisa elisabeth elise elizabeth
ella ellen elsa emil emile emilia emilie emilio emily emma emmanuel enrique eric erica erik erika
erin ernest ernesto esteban esther ethan eugene eva eve evelyn fabian fabio faith fatima federico
felipe felix fernanda fernando flora florence frances francesca francesco francine francis
francisca francisco francois francoise frank franz fred frederic frederick freya friedrich gabriel
gabriela gabrielle gail gary gene genevieve georg george georges gerald gerard gerd gerhard
gilbert gina gloria gonzalo grace greg gregory greta guadalupe guillaume guillermo gunter gustav
gustavo guy hannah hannelore hans harold harry heather hector heidi heike heinrich heinz helen
helena helene helga henri henry herbert hermann hilda hope horst howard hugo ian ida ignacio
imogen ines ingrid irene irma isaac isabel isabella isabelle ivan jack jackie jacqueline jaime
jake jakob james jamie jan jane janet janice jason javier jay jean jeanette jeanne jeff jeffrey
jennifer jenny jeremy jerome jerry jesse jessica jesus jill jim jimmy jo joachim joan joanna
joanne joao joaquin jochen jodie joe joel johann johanna johannes john johnny jon jonas jonathan
jorg jorge jose josee josef josefina joseph josephine joshua joy joyce juan juana juanita judith
judy jules julia julian juliana julie julien julio jurgen justin kaitlyn karen karin karina karl
karla kate katharina katherine kathleen kathryn kathy katie katrina kayla keith kelsey ken kenneth
kevin kim kirsten klaus kristen kristin kristina kurt kyle lara larry lars laura lauren laurent
laurie lea leah lee lena leo leon leonardo leonie leonor leslie leticia lillian lily linda lisa
liz lois lorena lori lorraine lou louis louisa louise lourdes luc luca lucas lucia luciana lucie
lucille lucy luis luisa lukas luke luz lydia lynn mae magdalena maggie manfred manuel manuela marc
marcel marcela marcelo marcia marco marcos marcus margaret margarita margot maria mariana marianne
marie mariel marilyn marina mario marisol marjorie mark markus marlene marta martha mary mateo
mathieu mathilde matilda matt matteo matthew matthias max maximilian maya megan melanie melinda
melissa mercedes mia michael michel michele michelle miguel mike mildred mohamed mohammed moises
monica monika monique nadia nadine nancy natalia natalie natasha nathalie nathan nathaniel
nicholas nicolas nicole nina noah noel noemi nora norma octavio odile oliver olivia omar oscar
otto pablo pamela paola pascal patricia patrick patty paul paula paulina pauline pedro peggy penny
peter petra phil philip philippe phillip phyllis pierre pilar priya rachel rafael ralf ralph ramon
raquel raul ray raymond rebecca regina reinhard renate rene renee ricardo richard rick rita rob
robert roberta roberto robin rocio roger roland rolf ron ronald rosa rosario rose roxana roy ruben
rudolf russell ruth ryan sabine sally salvador sam samantha samuel sandra santiago sara sarah
sebastian sergio shannon sharon sheila shirley silvia simon simone sofia solange sonia sonja
sophia sophie stacy stanley stefan stefanie stella stephan stephanie stephen steve steven sue
summer susan susana susanne sven sylvia sylvie tamara tammy tanya tara ted teresa terri terry
theodor theresa therese thierry thomas tim timothy tina tobias todd tom tomas tommy tony tracy
trevor tristan ulrich ursula uwe valentin valentina valeria valerie vanessa vera veronica veronika
vicente vicki victor victoria vincent viola violet virginia vivian viviana walter waltraud wanda
wayne wendy werner wilhelm will willie wolfgang xavier yolanda yvette yvonne zachary zoe
"""


@cache
def given_names() -> frozenset[str]:
    """Return common given names of Europe and the Americas, folded."""
    return frozenset(_GIVEN.split())
