import pg from 'pg'
import { PostgresConnection, PostgresQueueBackend, Queue, runMigrations } from 'bullmq'
import { randomUUID } from 'node:crypto'
const url='postgres://postgres@127.0.0.1:54991/postgres'
const c=new pg.Client(url);await c.connect()
await c.query('drop schema if exists bullmq cascade');await runMigrations(c)
const cpu=async()=>{const {rows}=await c.query("select pid from pg_stat_activity where backend_type='client backend'");const fs=await import('node:fs');let t=0;for(const{pid}of rows){try{const s=fs.readFileSync(`/proc/${pid}/stat`,'utf8').split(') ')[1].split(' ');t+=(+s[11])+(+s[12])}catch{}}return t*10}
for (const sync of ['on','off']) {
 const conn=new PostgresConnection({connectionString:url,max:4,options:`-c synchronous_commit=${sync}`,keepAlive:true})
 await conn.waitUntilReady()
 const q=new Queue('q-'+sync,{connection:url,streams:{events:{maxLen:1000}}},(name,opts)=>new PostgresQueueBackend(conn,name,opts,false))
 const refs=n=>Array.from({length:n},()=>({name:'q',data:{storeId:randomUUID(),jobId:'x'},opts:{jobId:randomUUID()}}))
 for (const n of [1,5,20,100]) {
  const rounds=Math.ceil(300/n)
  await q.addBulk(refs(n)); await Promise.all(refs(n).map(r=>q.add(r.name,r.data,r.opts)))
  let t=performance.now(),k=await cpu(),p=process.cpuUsage().user
  for(let i=0;i<rounds;i++) await q.addBulk(refs(n))
  const b=performance.now()-t,kb=await cpu()-k,pb=(process.cpuUsage().user-p)/1000
  t=performance.now();k=await cpu();p=process.cpuUsage().user
  for(let i=0;i<rounds;i++) await Promise.all(refs(n).map(r=>q.add(r.name,r.data,r.opts)))
  const a=performance.now()-t,ka=await cpu()-k,pa=(process.cpuUsage().user-p)/1000
  console.log(sync,n,'bulk ms/call',(b/rounds).toFixed(2),'pgcpu',(kb/rounds).toFixed(2),'node',(pb/rounds).toFixed(2),'| add ms/call',(a/rounds).toFixed(2),'pgcpu',(ka/rounds).toFixed(2),'node',(pa/rounds).toFixed(2))
 }
 await q.close();await conn.close()
}
console.log((await c.query("select relname,n_dead_tup,n_tup_ins from pg_stat_all_tables where relname in ('pg_class','pg_attribute','pg_type','event','job','meta')")).rows)
await c.end()
