// Words that passwords are made of most often, in several languages: whoever guesses begins with these, followed by a few
// digits or signs. Written in the form of `skeletonOf`: lower case, letters for the digits that stand for them.

/** At least four characters; rows of keys and repetitions are told by rule, not by list. */
export const COMMON_WORDS: ReadonlySet<string> = new Set(
  `
  password passwort passwords passwd pass passw motdepasse contrasena senha parola wachtwoord haslo salasana losenord
  heslo sifre jelszo adgangskode passord kennwort geheim secret secreto mypassword yourpassword thepassword newpassword
  changeme changethis changeit letmein letmeinnow openup opensesame welcome welcomeback willkommen bienvenue bienvenido
  benvenuto welkom hello hellohello helloworld hallo hallohallo bonjour ciao hola salut admin administrator adminadmin
  root rootroot toor user users username superuser superadmin sysadmin system manager guest gast test tester testing
  testtest testpass default demo temp temporary access accessdenied login loginlogin logon signin master mastermaster
  iloveyou iloveu loveyou loveyouforever loveme lovelove lover lovely loveable love forever foreveryoung ichliebedich
  jetaime tequiero teamo tiamo amore amor schatz schatzi hase mausi liebe liebling sweetheart sweetie honey honeybee
  darling babygirl babyboy babyblue baby babe angel angels angelina princess prinzessin princesa princesse queen
  kingkong king kings prince monkey monkeys monkeyman dragon dragons dragonball dragonfly tiger tigers tigger lion
  lionking panther eagle eagles falcon falcons bear bears bulldog bulldogs puppy kitty kitten hellokitty pussycat
  chicken chickens turtle butterfly dolphin dolphins shark elephant horse horses pony unicorn buster shadow shadows
  ranger hunter hunters killer slayer warrior warriors ninja samurai pirate pirates wizard gandalf merlin frodo hobbit
  batman superman spiderman ironman wolverine robin joker deadpool starwars startrek skywalker lukeskywalker darthvader
  vader yoda chewbacca matrix neo pokemon pikachu naruto sasuke mario luigi zelda minecraft fortnite roblox warcraft
  starcraft counterstrike callofduty playstation nintendo xbox gamer gamers player playboy hotdog cookie cookies
  cheese chocolate choco schokolade schokolad banana bananas bananen apple apples orange oranges cherry strawberry
  peaches pepper ginger sugar candy pizza burger whiskey vodka beer coffee kaffee mustang ferrari porsche mercedes
  bmw audi volkswagen toyota honda yamaha suzuki kawasaki harley harleydavidson corvette camaro chevrolet chevy
  football fussball fusball futbol soccer baseball basketball hockey tennis golf golfer rugby cricket volleyball
  handball skate skateboard snowboard surfer fishing hunting running swimming arsenal chelsea liverpool manchester
  manutd barcelona realmadrid juventus bayern bayernmunchen dortmund schalke hamburg stpauli lakers cowboys steelers
  packers yankees redsox dodgers redskins raiders patriots broncos jordan michaeljordan ronaldo messi beckham
  michael michelle jennifer jessica ashley amanda daniel daniela andrew joshua matthew christopher nicole thomas
  robert william charlie george samantha anthony alexander alexandra alex andrea andreas stefan stefanie sebastian
  christian christina julia julian laura lisa maria marie anna hannah hanna sophie sophia maximilian martin michelle
  patrick peter sandra sabine susanne katharina kathrin florian dominik tobias benjamin jonathan joseph justin
  brandon jasmine victoria vanessa natalie natasha olivia isabella isabelle gabriel gabriela fernando carlos alejandro
  francisco eduardo ricardo roberto giovanni francesco giuseppe alessandro alessia martina valentina nicolas camille
  thierry chantal jerome mathieu pierre dominique maverick donald donaldtrump obama trump jesus jesuschrist christ
  jesusislord godisgood blessed blessing heaven faith family familia famille familie friend friends freunde bestfriend
  mother father mommy daddy mama papa mummy sister brother summer sommer winter autumn herbst spring fruhling sunshine
  sonnenschein sunflower flower flowers blume blumen rose rainbow regenbogen moonlight moon stars starlight star
  superstar rockstar thunder lightning storm tornado hurricane phoenix diamond diamonds crystal silver gold golden
  goldfish purple yellow green blue black white red pink january february march april june july august september
  october november december januar februar marz juni juli oktober dezember monday tuesday wednesday thursday friday
  saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag london paris berlin munchen wien zurich
  madrid roma milano newyork losangeles chicago texas california florida america american england deutschland germany
  france espana italia schweiz osterreich holland canada australia internet computer laptop windows linux macintosh
  iphone samsung google facebook youtube twitter instagram amazon microsoft whatsapp linkedin netflix spotify yahoo
  gmail hotmail email website network server database security private trustnoone trustno whatever nothing something
  anything everything nobody anybody blahblah lalala hahaha asshole fuckyou fuckme fuckoff fucker fuck bitch bitches
  shit bullshit bastard scheisse arschloch merde puta cabron pussy penis sexy sexsex sexygirl bigdick hottie hardcore
  metallica slipknot nirvana linkinpark greenday rammstein beatles eminem tupac shakira madonna beyonce abcd abcdef
  abcdefg abcabc aaaa qwerty qwertz azerty qwer qwertyuiop qwertzuiop azertyuiop asdf asdfgh asdfghjkl yxcvbnm zxcvbnm
  zxcvbn zaqwsx qazwsx qazwsxedc wasd passwordpassword passwortpasswort money dollar dollars million millionaire business
  company office student teacher school schule university lehrer engineer doctor doktor police soldier marine marines
  navy army airforce freedom liberty peace frieden hope dream dreams dreamer life livelife lifeisgood goodlife happy
  happiness happyday smile smiley laughing crazy stupid idiot loser winner champion champions victory hero heroes
  legend legends genius lucky luckyone luckyday magic magical mystery midnight tonight tomorrow yesterday today
  cool coolcool cooldude awesome fantastic wonderful beautiful gorgeous pretty cutie handsome
  `
    .trim()
    .split(/\s+/),
);
