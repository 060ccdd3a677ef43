package demomail
import ("testing";"fmt")
func TestSmoke(t *testing.T){ n:=0; for _,b:=range Mailboxes(){ for _,f:=range b.Folders { n+=len(f.Messages); fmt.Println(b.Address,f.Name,len(f.Messages))}}; fmt.Println(n) }
