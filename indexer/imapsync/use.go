package imapsync

import (
	"slices"
	"strings"
)

// uses are the attributes of RFC 6154 that say what a folder is for. \All is
// Gmail's and \Flagged a search; neither has a name of its own.
var uses = []string{`\Sent`, `\Drafts`, `\Junk`, `\Trash`, `\Archive`}

// useNames are the names that mail programs and providers give those folders where
// the server does not say it, in small letters.
var useNames = map[string]string{}

func init() {
	for use, names := range map[string]string{
		`\Sent`:    `sent|sent items|sent mail|sent messages|sent-mail|outbox.sent|gesendet|gesendete elemente|gesendete objekte|gesendete nachrichten|envoyés|éléments envoyés|messages envoyés|envoyes|enviados|elementos enviados|mensajes enviados|itens enviados|enviadas|mensagens enviadas|posta inviata|inviati|inviata|elementi inviati|verzonden|verzonden items|verzonden berichten|sendt|sendt post|sendte elementer|skickat|skickade|skickade objekt|sendte|lähetetyt|lähetetyt kohteet|wysłane|elementy wysłane|odeslané|odeslaná pošta|odoslané|elküldött|elküldött elemek|trimise|elemente trimise|gönderilmiş öğeler|gönderilenler|gönderilen|gönderilmiş|απεσταλμένα|отправленные|отправленные сообщения|надіслані|відправлені|изпратени|poslano|poslane|poslane poruke|poslane stavke|saadetud|saadetud üksused|nosūtītie|nosūtītās|išsiųsta|išsiųstieji|išsiųsti laiškai|enviats|elements enviats|bidalitakoak|seolta|terkirim|item terkirim|dihantar|ipinadala|naipadala|đã gửi|thư đã gửi|ส่งแล้ว|รายการที่ส่ง|已发送|已发送邮件|已傳送|寄件備份|已寄出|送信済み|送信済みアイテム|送信済みメール|보낸편지함|보낸 편지함|보낸 메일함|البريد المرسل|العناصر المرسلة|المرسلة|נשלח|פריטים שנשלחו|דואר יוצא|ارسال شده|भेजे गए`,
		`\Drafts`:  `drafts|draft|entwürfe|entwurf|brouillons|brouillon|borradores|rascunhos|bozze|concepten|kladder|utkast|luonnokset|kopie robocze|szkice|wersje robocze|koncepty|rozepsané|rozpísané|piszkozatok|ciorne|schițe|taslaklar|πρόχειρα|черновики|чернетки|чернови|nacrti|skice|osnutki|mustandid|melnraksti|juodraščiai|esborranys|draf|konsep|mga draft|thư nháp|ร่างจดหมาย|草稿|草稿箱|草稿匣|下書き|임시보관함|임시 보관함|المسودات|مسودات|טיוטות`,
		`\Junk`:    `junk|junk e-mail|junk email|junk mail|spam|bulk mail|bulk|spamverdacht|unerwünscht|junk-e-mail|courrier indésirable|indésirables|pourriel|correo no deseado|no deseado|lixo eletrônico|lixo eletrónico|correio indesejado|posta indesiderata|indesiderata|ongewenste e-mail|ongewenst|reclame|uønsket post|uønsket e-post|skräppost|søppelpost|roskaposti|wiadomości-śmieci|niechciane|nevyžádaná pošta|nevyžiadaná pošta|levélszemét|mesaje nedorite|önemsiz|gereksiz e-posta|istenmeyen|ανεπιθύμητα|ανεπιθύμητη αλληλογραφία|спам|нежелательная почта|небажана пошта|нежелана поща|neželjena pošta|nezaželena pošta|rämpspost|mēstules|šlamštas|correu brossa|spam mail|sampah|thư rác|จดหมายขยะ|垃圾邮件|垃圾郵件|迷惑メール|스팸|스팸함|스팸메일함|البريد العشوائي|بريد غير هام|דואר זבל`,
		`\Trash`:   `trash|bin|deleted|deleted items|deleted messages|papierkorb|gelöscht|gelöschte elemente|gelöschte objekte|corbeille|éléments supprimés|supprimés|papelera|elementos eliminados|eliminados|lixeira|itens excluídos|itens eliminados|lixo|cestino|posta eliminata|elementi eliminati|eliminata|prullenbak|prullenmand|verwijderde items|papirkurv|slettet post|slettede elementer|papperskorgen|borttaget|borttagna objekt|papirkurven|poistetut|roskakori|kosz|elementy usunięte|koš|odstraněná pošta|kôš|odstránené|kuka|lomtár|törölt elemek|coș de gunoi|elemente șterse|çöp kutusu|çöp|silinmiş öğeler|κάδος απορριμμάτων|διαγραμμένα|корзина|удаленные|удалённые|кошик|видалені|кошче|изтрити|smeće|otpad|izbrisane stavke|smetnjak|koš za smeti|prügikast|kustutatud|atkritne|dzēstie|šiukšlinė|šiukšliadėžė|paperera|elements suprimits|tong sampah|basurahan|thùng rác|ถังขยะ|已删除|已删除邮件|已刪除的郵件|垃圾桶|ゴミ箱|ごみ箱|削除済みアイテム|휴지통|지운편지함|العناصر المحذوفة|المهملات|אשפה|פריטים שנמחקו`,
		`\Archive`: `archive|archives|archiv|archivo|archivos|arquivo|arquivo morto|archivio|archief|arkiv|arkisto|archiwum|archív|archívum|arhivă|arhiva|arşiv|αρχείο|архив|архів|arhiiv|arhīvs|archyvas|arxiu|arsip|lưu trữ|归档|封存|アーカイブ|보관함|الأرشيف|ארכיון`,
	} {
		for _, n := range strings.Split(names, "|") {
			useNames[n] = use
		}
	}
}

// nameUses fills in what each folder is for: as the server says it, and, of what it
// says nowhere, by the last part of the name. The attribute of one folder makes
// the names of others mean nothing: a "Sent" beside the real one is a folder of
// somebody's own.
func nameUses(folders []FolderInfo) {
	said := map[string]bool{}
	for i := range folders {
		for _, u := range uses {
			if folders[i].has(u) {
				folders[i].Use = u
				said[u] = true
			}
		}
	}
	for i := range folders {
		f := &folders[i]
		if f.Use != "" || f.has(`\All`) {
			continue
		}
		name := f.Display
		if f.Delim != "" {
			// Deep in a tree a name is somebody's own; "INBOX.Sent" and
			// "[Gmail]/Sent Mail" are not deep.
			parts := strings.Split(name, f.Delim)
			if len(parts) > 2 || len(parts) == 2 && !rootFolder(parts[0]) {
				continue
			}
			name = parts[len(parts)-1]
		}
		if u := useNames[strings.ToLower(strings.TrimSpace(name))]; u != "" && !said[u] {
			f.Use = u
		}
	}
}

// rootFolder reports whether everything of an account may lie below the folder.
func rootFolder(name string) bool {
	return slices.ContainsFunc([]string{"INBOX", "[Gmail]", "[Google Mail]", "Mail", "mail"}, func(r string) bool { return strings.EqualFold(r, name) })
}

// UseOf returns what a folder is for by its name alone, of which it looks at the
// last part; "" when the name does not say it.
func UseOf(display string) string {
	if i := strings.LastIndexAny(display, "/."); i >= 0 {
		display = display[i+1:]
	}
	return useNames[strings.ToLower(strings.TrimSpace(display))]
}
