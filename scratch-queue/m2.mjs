// idle cost, latency, idle close
import pg from 'pg'; import fs from 'node:fs'
import { randomUUID } from 'node:crypto'
import { openQueues, startWorkers, migrateQueueSchema, queueGrants } from '../dist-queue/src/jobs/queue.js'
const N=+(process.argv[2]??3), SECS=+(process.argv[3]??30)
const url='postgres://postgres@127.0.0.1:54991/postgres'
const c=new pg.Client({connectionString:url,application_name:'m2'});await c.connect()
await c.query('drop schema if exists bullmq cascade');await migrateQueueSchema(c)
const settings=process.env.REDIS?{databaseUrl:'',redisUrl:process.env.REDIS}:{databaseUrl:url}
const defs=Array.from({length:N},(_,i)=>({name:`queue-${i}`,concurrency:2,attempts:3,backoffMs:1000}))
const pgcpu=async()=>{const {rows}=await c.query("select pid from pg_stat_activity where application_name='clientele-queue'");let t=0;for(const{pid}of rows){try{const s=fs.readFileSync(`/proc/${pid}/stat`,'utf8').split(') ')[1].split(' ');t+=(+s[11])+(+s[12])}catch{}}return [rows.length,t*10]}
const xact=async()=>{const r=(await c.query("select xact_commit, (select wal_records from pg_stat_wal) wal from pg_stat_database where datname='postgres'")).rows[0];return [+r.xact_commit,+r.wal]}
let done=new Map()
process.on('warning',w=>console.log('WARN',w.message))
const client=await openQueues(settings,defs)
const t0=performance.now()
const workers=await startWorkers(settings,defs,Object.fromEntries(defs.map(d=>[d.name,async ref=>{done.get(ref.jobId)?.(performance.now())}])),(e,x)=>console.log('ERR',x,e.message))
console.log('start ms',performance.now()-t0)
await new Promise(r=>setTimeout(r,12000))
const u=process.cpuUsage(),[n1,p1]=await pgcpu(),x1=await xact()
await new Promise(r=>setTimeout(r,SECS*1000))
const d=process.cpuUsage(u),[n2,p2]=await pgcpu(),x2=await xact()
console.log(`${N} queues: node cpu ms/min`,((d.user+d.system)/1000*60/SECS).toFixed(0),'pg cpu ms/min',((p2-p1)*60/SECS).toFixed(0),'connections',n2,'commits/s',((x2[0]-x1[0])/SECS).toFixed(2),'wal records/s',((x2[1]-x1[1])/SECS).toFixed(1))
const lat=[]
for(let i=0;i<200;i++){const id=randomUUID();const p=new Promise(r=>done.set(id,r));const t=performance.now();await client.enqueue(defs[0],[{storeId:randomUUID(),jobId:id}]);lat.push(await p-t);await new Promise(r=>setTimeout(r,5+Math.random()*20))}
lat.sort((a,b)=>a-b);console.log('pickup ms from enqueue call: median',lat[100].toFixed(2),'p95',lat[190].toFixed(2),'max',lat[199].toFixed(2))
// throughput
{const ids=Array.from({length:2000},()=>randomUUID());let left=2000;const all=new Promise(r=>ids.forEach(id=>done.set(id,()=>--left||r())));const u=process.cpuUsage(),[,p1]=await pgcpu();const t=performance.now();await client.enqueue(defs[0],ids.map(jobId=>({storeId:randomUUID(),jobId})));const te=performance.now()-t;await all;const d=process.cpuUsage(u),[,p2]=await pgcpu();console.log('2000 jobs: enqueue ms',te.toFixed(0),'all ms',(performance.now()-t).toFixed(0),'node cpu/job',((d.user+d.system)/2e6).toFixed(2),'pg cpu/job',((p2-p1)/2000).toFixed(2))}
let t=performance.now();await workers.stop(5000);console.log('stop ms',performance.now()-t)
t=performance.now();await client.close();console.log('close ms',performance.now()-t)
await c.end()
