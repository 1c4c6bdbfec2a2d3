const listOf = (text: string): readonly string[] => text.trim().split(/\s+/);

/**
 * What templates say of a secret that is to be replaced, in letters and digits alone: eight at least, so that a random
 * secret holds none of them by chance.
 */
export const PLACEHOLDER_PHRASES = listOf(`
  changeme changeit changeto changethis changebefore changeafter changein changeyour changeforprod pleasechange
  mustchange mustbechanged tobechanged tobemodified shouldchange shouldbechanged remembertochange willchange replaceme
  replaceit replacethis replacewith replaceby replaceyour replacein tobereplaced yoursecret yoursuper yourvery
  yourjwtsecret yourjwtkey yourownsecret yourstrong yourrandom yourlong yoursecure yoursigning yourprivate yourtoken
  yourpassword yourpassphrase yourstring yourgenerated your256bit your512bit youraccess yourrefresh yoursession
  yourauth yourultra yourkeyhere yourkeygoes putyoursecret putyourkey putyourown putasecret insertyour enteryour
  addyoursecret setyoursecret useyourown typeyour pasteyour createyour generateyour generateone generatewith
  generateastrong generatearandom generateasecure generateanew clicktogenerate donotuse dontusethis neveruse
  notforproduction notforprod notinproduction onlyfordev devonlysecret developmentonly testingonly testsonly localonly
  exampleonly fortestsonly fortestingonly neverinproduction nevercommit donotcommit dontcommit donotshare dontshare
  insecure notsecure notsosecret notasecret notverysecret notreallysecret placeholder examplesecret samplesecret
  demosecret dummysecret fakesecret defaultsecret fallbacksecret supersecret secrethere keygoeshere secretgoes
  stringgoes goeshere wordhere secretkeyhere thisismy thisisthe thisisjust thisisonly thisisnot atleast16 atleast32
  atleast64 atleast128 atleast256 atleast512 characterslong characterlong charslong byteslong bitslong 32characters
  64characters 256bitsecret 256bitkey longenough keepitsafe keepitsecret makeitlong opensslrand randombytes processenv
  undefined objectobject loremipsum helloworld correcthorse keyboardcat hardtoguess
`);

/** Words of which guessable secrets are made: three letters at least, and not of a to f alone, which hex is made of. */
export const COMMON_WORDS = listOf(`
  secret secrets secure secured security key keys token tokens jwt json web password passwords passphrase phrase
  super mega ultra top very really strong stronger long longer random randomly generated generate generator string text
  value word words char chars character characters letter letters digits byte bytes bit bits number numbers hex base
  you your mine our their this that these the and for with from must should shall will would can could may not dont never
  ever change changed replace replaced use used using put set insert enter paste give make made create created pick
  choose here there please default example sample demo dummy fake test tests testing dev develop development prod
  production stage staging local localhost server client app application apps api backend frontend service services auth
  authentication authorization authorize access refresh session sessions cookie sign signing signature signed encrypt
  encryption encrypted crypto hash salt pepper admin administrator root user users username login account mail email
  database data postgres mysql mongo mongodb redis express node nodejs nest nestjs next nextjs nextauth react angular vue
  spring boot java javascript typescript python django flask fastapi laravel symfony rails hasura supabase strapi
  directus mercure hub keycloak docker kubernetes github google project company name website site store shop blog chat
  todo tutorial course guide docs documentation code source commit env environment config configuration variable file
  safe unsafe insecure keep outside complex simple enough least minimum min max maximum size length hard guess hidden
  private public only just own some any every all other another new old first second one two three four five six seven
  eight nine ten hundred thousand note warning important real true false none null nothing something anything whatever
  nobody anyone everyone know known tell share shared hello world foo bar baz cat dog keyboard monkey dragon master
  welcome football iloveyou sunshine princess correct horse battery staple love god life like best great cool awesome
  fun game play work works working time year day today now later before after again forever always when where what who
  why how which into onto over under out off away back down but because then than more most less many much such being
  been have has had having did done doing get got getting going come look find think want need needs help hope try run
  start stop end open close read write send call turn show hide live let lets
  geheim geheimnis passwort schluessel sicher bitte aendern mein dein secreto clave secreta contrasena cambiar esta
  segura segredo chave senha trocar mudar motdepasse secrete changer votre segreto chiave rahasia tajne sekret
  aleatoria aleatorio privada menos cadena produccion producao chaine longue
`);

/** Shorter ones and numbers, of two to five characters: by chance they come about so often that they count only after others. */
export const SHORT_WORDS: ReadonlySet<string> = new Set(
  listOf(`
    is my to it in of at do go no we us or on an as by if up so id 16 32 64 128 256 512 123 1234 12345 321
    2018 2019 2020 2021 2022 2023 2024 2025 2026 2027
  `),
);

/** Rows and columns of keyboards, and the walk by which a popular online generator makes its "random" keys. */
export const KEYBOARD_WALKS = listOf(`
  qwertyuiop[]asdfghjkl;'zxcvbnm,./ qwertyuiopasdfghjklzxcvbnm qwertzuiopasdfghjklyxcvbnm azertyuiopqsdfghjklmwxcvbn
  1234567890-= !@#$%^&*()_+ 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p qazwsxedcrfvtgbyhnujmikolp 1q2w3e4r5t6y7u8i9o0p
  zaq1xsw2cde3vfr4bgt5nhy6mju7 q1w2e3r4t5y6u7i8o9p0 zaqxswcdevfrbgtnhymjukilop zaxscdvfbgnhmjkl
  @ncrfujxn2r5u8x/a?d(g+kbpdsgvkyp q3t6w9z$c&f)j@ncrfujwnzr4u7x!a%d*g-kapdsgvkyp2s5v8y/b?e(h+mbqeth
  sgukxp2s5v8y/b?e(h+mbqethwmyq3t6w9z^c&f)j@ncrfujxn2r4u7x!a%d*g-k t7w!z%c*f)j@ncrf qethwmzq4t6w9z$c&f)j
  r5u8x/a%d*g-kapdsgvkyp3s6v9y$b&e(h+mbqethwmzq4t7w!z%c*f-jancrf
`);

/** Which letters mostly follow each one, in English and its neighbours. */
export const FOLLOWERS: Readonly<Record<string, string>> = {
  a: 'ntlrscdm', b: 'elouari', c: 'oehatki', d: 'eiaosu', e: 'rnsdatlc', f: 'oierau', g: 'ehriaou', h: 'eaiotu', i: 'nstoclea',
  j: 'uoae', k: 'eisan', l: 'eliaoyu', m: 'eaoipu', n: 'tgdescia', o: 'nrumftwsl', p: 'relaoit', q: 'u', r: 'eiasotdu',
  s: 'tesihoau', t: 'hieoarsu', u: 'rsntleim', v: 'eiao', w: 'iaheo', x: 'tpai', y: 'soea', z: 'eaio',
}; // prettier-ignore
